package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// races are the tests of what happens to calls that come at the same moment.
var races = []sentence{
	{"Accounts.CreateAccount", "one DID", "Of two calls that race for a DID, handle or address exactly one succeeds.",
		func(t *testing.T, s storage.Store) {
			raceToCreate(t, s, storage.ErrExists, func(a *storage.NewAccount, first storage.NewAccount) {
				c, _ := emptyTree(first.Account.DID).commit(put("a.b.c/1", string(a.Account.Handle)))
				a.Account.DID, a.Commit = first.Account.DID, c
			})
		}},
	{"Accounts.CreateAccount", "one handle", "Of two calls that race for a DID, handle or address exactly one succeeds.",
		func(t *testing.T, s storage.Store) {
			raceToCreate(t, s, storage.ErrHandleTaken, func(a *storage.NewAccount, first storage.NewAccount) {
				a.Account.Handle = first.Account.Handle
			})
		}},
	{"Accounts.CreateAccount", "one address", "Of two calls that race for a DID, handle or address exactly one succeeds.",
		func(t *testing.T, s storage.Store) {
			raceToCreate(t, s, storage.ErrEmailTaken, func(a *storage.NewAccount, first storage.NewAccount) {
				a.Account.Email = first.Account.Email
			})
		}},
	{"Accounts.CreateAccount", "one invite", "[ErrConflict] if the invite is no longer what Invite.Old says.",
		func(t *testing.T, s storage.Store) {
			ok(t, "PutToken", s.PutToken(t.Context(), useOf("code").Old))
			raceToCreate(t, s, storage.ErrConflict, func(a *storage.NewAccount, first storage.NewAccount) {
				a.Invite = useOf("code")
			})
		}},
	{"Accounts.UpdateAccount", "one handle", "[ErrHandleTaken]", raceToRename},
	{"Accounts.UpdateAccount", "no update is lost", "no other update comes between the call of change and the write.",
		raceToUpdate},
	{"Accounts.DeleteAccount", "while commits come", "removes the account with its repo", raceToDelete},
	{"Repos.Commit", "one head", "Of several commits with the same Prev exactly one succeeds.",
		func(t *testing.T, s storage.Store) { raceToCommit(t, s, create(t, s, 1)) }},
	{"Repos.Commit", "one first commit", "Of several commits with the same Prev exactly one succeeds.",
		func(t *testing.T, s storage.Store) { raceToCommit(t, s, emptyTree(testDID(1))) }},
	{"Repos.Commit", "many repos", "Every method may be called from many goroutines at once.", raceManyRepos},
	{"Repos.Replace", "one head", "Of several commits with the same Prev exactly one succeeds.", raceToReplace},
	{"Repos.Snapshot", "one moment", "sees the state of one moment until read returns", raceSnapshots},
	{"Events", "visible in order", "Events become visible in order: a reader who has seen number n will never find a " +
		"number below n that it hadn't seen.", raceEvents},
	{"Tokens.PutToken", "one ID", "Of two calls that race exactly one succeeds.", raceToPutToken},
	{"Tokens.TakeToken", "one token", "Of any number of calls exactly one gets it.", raceToTakeToken},
	{"Tokens.SwapToken", "one value", "replaces old by new if the stored token still has old's Value", raceToSwapToken},
	{"Keys.PutKey", "one name", "Error: [ErrExists] if the name has other bytes.", raceToPutKey},
	{"BlobIndex.ClaimBlobs", "against commits", "While it is marked, a blob can be neither referred to nor uploaded again.",
		raceToClaim},
}

const (
	racers = 8
	rounds = 12 // of each race, so that it's one in most runs of the suite
)

func runRaces(t *testing.T, open func(t *testing.T) storage.Store) { runSentences(t, races, open) }

// race calls f in many goroutines that begin at the same moment, and returns the errors.
func race(f func(i int) error) []error {
	var wg sync.WaitGroup
	begin, errs := make(chan struct{}), make([]error, racers)
	for i := range racers {
		wg.Go(func() {
			<-begin
			errs[i] = f(i)
		})
	}
	close(begin)
	wg.Wait()
	return errs
}

// winner returns the only one that succeeded, and fails the test if there isn't one, or if another error than target
// is among those of the rest.
func winner(t testing.TB, errs []error, target error) int {
	t.Helper()
	w := -1
	for i, err := range errs {
		switch {
		case err == nil && w >= 0:
			t.Fatalf("both %d and %d succeeded", w, i)
		case err == nil:
			w = i
		case !errors.Is(err, target):
			t.Fatalf("error is %v, want %v", err, target)
		}
	}
	if w < 0 {
		t.Fatal("none succeeded")
	}
	return w
}

func raceToCreate(t *testing.T, s storage.Store, target error, alter func(a *storage.NewAccount, first storage.NewAccount)) {
	ctx := t.Context()
	var log []string
	for round := range rounds {
		if round > 0 && target == storage.ErrConflict {
			break // there's one invite
		}
		first, _ := newAccount(round * racers)
		var as []storage.NewAccount
		for i := range racers {
			a, _ := newAccount(round*racers + i)
			alter(&a, first)
			as = append(as, a)
		}
		w := winner(t, race(func(i int) error {
			_, err := s.CreateAccount(ctx, as[i])
			return err
		}), target)
		log = append(log, kinds(as[w].Commit.Events)...)
		want(t, "the log", kinds(events(t, s)), log)
		want(t, "number of accounts", len(all(t, "ListAccounts", s.ListAccounts(ctx, 0, 1000))), round+1)
		want(t, "the account", must(s.Account(ctx, as[w].Account.DID))(t).Handle, as[w].Account.Handle)
		want(t, "the head", must(s.Head(ctx, as[w].Account.DID))(t), as[w].Commit.Head)
	}
	ok(t, "Check", Check(ctx, s))
}

func raceToRename(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range racers {
		create(t, s, i)
	}
	for round := range rounds {
		handle := syntax.Handle(fmt.Sprintf("wanted%d.test", round))
		w := winner(t, race(func(i int) error {
			_, err := s.UpdateAccount(ctx, testDID(i), func(a *storage.Account) error { a.Handle = handle; return nil })
			return err
		}), storage.ErrHandleTaken)
		want(t, "who has the handle", must(s.AccountByHandle(ctx, handle))(t).DID, testDID(w))
	}
	ok(t, "Check", Check(ctx, s))
}

func raceToUpdate(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create(t, s, 1)
	hash := must(s.Account(ctx, testDID(1)))(t).PasswordHash
	for _, err := range race(func(i int) error {
		for range rounds {
			_, err := s.UpdateAccount(ctx, testDID(1), func(a *storage.Account) error { a.PasswordHash += "+"; return nil },
				testEvent(testDID(1), storage.EventAccount, i))
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		ok(t, "UpdateAccount", err)
	}
	got := must(s.Account(ctx, testDID(1)))(t).PasswordHash
	want(t, "number of updates", len(got)-len(hash), racers*rounds)
	want(t, "number of events", len(events(t, s)), 3+racers*rounds)
}

func raceToDelete(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for round := range rounds {
		r := create(t, s, 1)
		last := testEvent(testDID(1), storage.EventAccount, round)
		errs := race(func(i int) error {
			if i == 0 {
				_, err := s.DeleteAccount(ctx, testDID(1), last)
				return err
			}
			c, _ := r.commit(put("a.b.c/1", fmt.Sprint(i)))
			_, err := s.Commit(ctx, c)
			return err
		})
		ok(t, "DeleteAccount", errs[0])
		for _, err := range errs[1:] {
			if err != nil {
				fails(t, "Commit", err, storage.ErrConflict)
			}
		}
		wantNoRepo(t, s, testDID(1), r.head.Data)
		want(t, "the log", kinds(events(t, s)), kinds([]storage.Event{last}))
	}
}

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

// raceEvents follows the log while many write to it. What was seen has to be all there is.
func raceEvents(t *testing.T, s storage.Store) {
	ctx := t.Context()
	const writers = racers / 2
	var rs [racers]*tree
	for i := range writers {
		rs[i] = create(t, s, i)
	}
	total := len(events(t, s)) + writers*rounds*2*(1+2)
	var writing atomic.Int32
	writing.Store(writers)
	errs := race(func(i int) error {
		if i < writers {
			defer writing.Add(-1)
			for n := range rounds * 2 {
				c, next := rs[i].commit(put("a.b.c/1", fmt.Sprint(n)))
				if _, err := s.Commit(ctx, c); err != nil {
					return err
				}
				rs[i] = next
				e := testEvent(testDID(i), storage.EventSync, n)
				if _, err := s.AppendEvents(ctx, e, e); err != nil {
					return err
				}
			}
			return nil
		}
		seen, after := 0, int64(0)
		for {
			done, n := writing.Load() == 0, 0
			for e, err := range s.ListEvents(ctx, after, 7*(i-writers)) { // the first reads all that there is
				if err != nil {
					return err
				}
				if e.Seq <= after {
					return fmt.Errorf("event %d comes after %d", e.Seq, after)
				}
				after = e.Seq
				n++
			}
			if seen += n; done && n == 0 {
				break
			}
			now, err := collect(s.ListEvents(ctx, 0, 0))
			if err != nil {
				return err
			}
			before := 0
			for _, e := range now {
				if e.Seq <= after {
					before++
				}
			}
			if before != seen {
				return fmt.Errorf("%d events were seen up to number %d, and there are %d", seen, after, before)
			}
		}
		if seen != total {
			return fmt.Errorf("%d events were seen, want %d", seen, total)
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	want(t, "number of events", len(events(t, s)), total)
}

func raceToPutToken(t *testing.T, s storage.Store) {
	for round := range rounds {
		id := fmt.Sprint(round)
		w := winner(t, race(func(i int) error {
			return s.PutToken(t.Context(), testToken("kind", id, testDID(i), 9))
		}), storage.ErrExists)
		want(t, "whose token it is", must(s.Token(t.Context(), "kind", id))(t).DID, testDID(w))
	}
}

func raceToTakeToken(t *testing.T, s storage.Store) {
	for range rounds {
		token := testToken("kind", "id", testDID(1), 9)
		ok(t, "PutToken", s.PutToken(t.Context(), token))
		var got [racers]storage.Token
		w := winner(t, race(func(i int) (err error) {
			got[i], err = s.TakeToken(t.Context(), "kind", "id")
			return err
		}), storage.ErrNotFound)
		want(t, "the token", got[w], token)
	}
}

func raceToSwapToken(t *testing.T, s storage.Store) {
	token := testToken("kind", "id", testDID(1), 9)
	ok(t, "PutToken", s.PutToken(t.Context(), token))
	for round := range rounds {
		var next [racers]storage.Token
		w := winner(t, race(func(i int) error {
			next[i] = token
			next[i].Value = fmt.Append(nil, round, i)
			return s.SwapToken(t.Context(), token, next[i])
		}), storage.ErrConflict)
		token = next[w]
		want(t, "the token", must(s.Token(t.Context(), "kind", "id"))(t), token)
	}
}

func raceToPutKey(t *testing.T, s storage.Store) {
	for round := range rounds {
		name := fmt.Sprint(round)
		w := winner(t, race(func(i int) error {
			return s.PutKey(t.Context(), name, fmt.Append(nil, "key ", i))
		}), storage.ErrExists)
		want(t, "the key", string(must(s.Key(t.Context(), name))(t)), fmt.Sprint("key ", w))
	}
}

// raceToClaim claims blobs while commits refer to them: each blob goes one way.
func raceToClaim(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range racers {
		create(t, s, i)
	}
	for round := range rounds {
		data := fmt.Sprint(round)
		for i := range racers {
			ok(t, "PutBlob", s.PutBlob(ctx, testBlob(testDID(i), data, 1)))
		}
		claimed := make(map[syntax.DID]bool) // whose blob of this round
		errs := race(func(i int) error {
			if i == 0 {
				ids, err := s.ClaimBlobs(ctx, at(2), 100)
				for _, id := range ids {
					claimed[id.DID] = claimed[id.DID] || id.CID == blobOf(data)
				}
				return err
			}
			head, err := s.Head(ctx, testDID(i))
			if err != nil {
				return err
			}
			r := &tree{head: head, commits: round + 1}
			c, _ := r.commit(put("a.b.c/1", data, blobOf(data)))
			_, err = s.Commit(ctx, c)
			return err
		})
		ok(t, "ClaimBlobs", errs[0])
		for i, err := range errs[1:] {
			did := testDID(i + 1)
			if claimed[did] {
				fails(t, "Commit that refers to a blob that is claimed", err, storage.ErrNotFound)
			} else {
				ok(t, "Commit that refers to a blob that isn't claimed", err)
				want(t, "Referenced", must(s.Blob(ctx, did, blobOf(data)))(t).Referenced, true)
			}
		}
		for _, id := range must(s.ClaimBlobs(ctx, at(0), 100))(t) {
			ok(t, "RemoveBlob", s.RemoveBlob(ctx, id))
		}
	}
}
