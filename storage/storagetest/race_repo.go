package storagetest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

func raceToCommit(t *testing.T, s storage.Store, r *tree) {
	ctx := t.Context()
	before := len(events(t, s))
	for round := range rounds {
		var cs [racers]storage.Commit
		var next [racers]*tree
		for i := range racers {
			cs[i], next[i] = r.commit(put(fmt.Sprintf("a.b.c/%d", i), fmt.Sprint(round)), put("d.e.f/1", fmt.Sprint(round, i)))
		}
		w := winner(t, race(func(i int) error {
			_, err := s.Commit(ctx, cs[i])
			return err
		}), storage.ErrConflict)
		r = next[w]
		wantRepo(t, s, r)
		log := events(t, s)
		want(t, "number of events", len(log), before+round+1)
		want(t, "the newest event", string(log[len(log)-1].Body), string(cs[w].Events[0].Body))
	}
}

func raceManyRepos(t *testing.T, s storage.Store) {
	ctx := t.Context()
	var rs [racers]*tree
	for i := range racers {
		rs[i] = create(t, s, i)
	}
	for _, err := range race(func(i int) error {
		for n := range rounds {
			c, next := rs[i].commit(put(fmt.Sprintf("a.b.c/%d", n), "text"), put("d.e.f/1", fmt.Sprint(n)))
			if _, err := s.Commit(ctx, c); err != nil {
				return err
			}
			rs[i] = next
			if err := sameRepo(ctx, s, next); err != nil {
				return err
			}
		}
		return nil
	}) {
		ok(t, "Commit", err)
	}
	for _, r := range rs {
		wantRepo(t, s, r)
	}
	want(t, "number of events", len(events(t, s)), racers*(3+rounds))
	ok(t, "Check", Check(ctx, s))
}

func raceToReplace(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1)
	for round := range rounds {
		var next [racers]*tree
		w := winner(t, race(func(i int) error {
			var c storage.Commit
			var rows []storage.Row
			var err error
			write := put("a.b.c/1", fmt.Sprint(round, i))
			if i%2 == 0 {
				c, next[i] = r.commit(write)
				_, err = s.Commit(ctx, c)
			} else {
				c, rows, next[i] = r.replace(write)
				_, err = s.Replace(ctx, c, rowsOf(rows))
			}
			return err
		}), storage.ErrConflict)
		r = next[w]
		wantRepo(t, s, r)
	}
	want(t, "number of events", len(events(t, s)), 3+rounds)
}

// raceSnapshots reads a repo in snapshots while it is written to. What they see has to be what the repo was after
// some commit.
func raceSnapshots(t *testing.T, s storage.Store) {
	ctx := t.Context()
	states := []*tree{create(t, s, 1)}
	var commits []storage.Commit
	for n := range rounds * 4 {
		c, next := states[n].commit(put(fmt.Sprintf("a.b.c/%d", n), "text"), del(fmt.Sprintf("a.b.c/%d", n-3)))
		commits, states = append(commits, c), append(states, next)
	}
	byRev := make(map[syntax.TID]*tree)
	for _, r := range states {
		byRev[r.head.Rev] = r
	}
	var written atomic.Bool
	for _, err := range race(func(i int) error {
		if i == 0 {
			defer written.Store(true)
			for _, c := range commits {
				if _, err := s.Commit(ctx, c); err != nil {
					return err
				}
			}
			return nil
		}
		for last := false; !last; {
			last = written.Load()
			err := s.Snapshot(ctx, func(snap storage.RepoReader) error {
				head, err := snap.Head(ctx, testDID(1))
				if err != nil {
					return err
				}
				if byRev[head.Rev] == nil {
					return fmt.Errorf("the head's rev is %s, which no commit has", head.Rev)
				}
				return sameRepo(ctx, snap, byRev[head.Rev])
			})
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Error(err)
		}
	}
}
