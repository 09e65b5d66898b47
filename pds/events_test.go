package pds_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds"
)

// events describes the events after a sequence number, up to what is the last now, and returns that.
func (w *world) events(t *testing.T, after int64) (all []string, last int64) {
	t.Helper()
	last, err := w.config.Store.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range w.Events(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, describe(t, e)...)
		if e.Seq == last {
			break
		}
	}
	return all, last
}

func describe(t *testing.T, e firehose.Event) (all []string) {
	t.Helper()
	switch {
	case e.Sync != nil:
		return []string{"sync"}
	case e.Identity != nil:
		return []string{fmt.Sprint("identity ", e.Identity.Handle)}
	case e.Account != nil:
		return []string{fmt.Sprintf("account %t %q", e.Account.Active, e.Account.Status)}
	}
	for _, op := range e.Commit.Ops {
		text := any("-")
		if op.Action != firehose.Delete {
			value, err := op.Value()
			if err != nil {
				t.Fatal(err)
			}
			text = value["text"]
		}
		all = append(all, fmt.Sprint(op.Action, " ", op.Collection, "/", op.RecordKey, " ", text))
	}
	return all
}

func TestEvents(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	_, last := w.events(t, 0)
	step := func(want ...string) {
		t.Helper()
		var got []string
		if got, last = w.events(t, last); cmp.Diff(want, got) != "" {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	put := func(rkey, text string) map[string]any {
		return map[string]any{"repo": alice.did, "collection": posts, "rkey": rkey, "record": map[string]any{"text": text}}
	}
	alice.post(t, "com.atproto.repo.putRecord", put("a", "one")).decode(t, nil)
	alice.post(t, "com.atproto.repo.putRecord", put("a", "two")).decode(t, nil)
	alice.post(t, "com.atproto.repo.deleteRecord", put("a", "")).decode(t, nil)
	step("create com.example.feed.post/a one", "update com.example.feed.post/a two", "delete com.example.feed.post/a -")

	var writes []map[string]any
	want := []string{}
	for i := range 100 {
		rkey := fmt.Sprintf("k%03d", i)
		writes = append(writes, map[string]any{"$type": "com.atproto.repo.applyWrites#create", "collection": posts,
			"rkey": rkey, "value": map[string]any{"text": "same"}}) // a hundred operations on one block
		want = append(want, "create com.example.feed.post/"+rkey+" same")
	}
	alice.post(t, "com.atproto.repo.applyWrites", map[string]any{"repo": alice.did, "writes": writes}).decode(t, nil)
	step(want...)

	alice.post(t, "com.atproto.identity.updateHandle", map[string]any{"handle": "carol.test"}).decode(t, nil)
	step("identity carol.test")
	alice.post(t, "com.atproto.server.deactivateAccount", map[string]any{}).decode(t, nil)
	step(`account false "deactivated"`)
	alice.post(t, "com.atproto.server.activateAccount", nil).decode(t, nil)
	step(`account true ""`, "identity carol.test", "sync")
	alice.reimport(t)
	step("sync")
	w.admin(t, "POST", "com.atproto.admin.deleteAccount", fmt.Sprintf(`{"did":%q}`, alice.did)).decode(t, nil)
	step(`account false "deleted"`)
}

// The loop writes to the repo whose events it reads, and isn't waited for by others.
func TestEventsOfTheLoopsOwnWrites(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	_, last := w.events(t, 0)
	alice.create(t, "first")
	n := 0
	for e, err := range w.Events(t.Context(), last) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 5 {
			break
		}
		if _, _, err := w.Repo(e.DID).Put(t.Context(), "com.example.seen", "", map[string]any{"seq": e.Seq}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEventsAreGone(t *testing.T) {
	w := start(t)
	w.signUp(t, "alice")
	if _, err := w.config.Store.TrimEvents(t.Context(), time.Now().Add(time.Hour), 2); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[int64]error{0: firehose.ErrOutdatedCursor, 1: firehose.ErrOutdatedCursor, 2: nil, 99: firehose.ErrFutureCursor} {
		for e, err := range w.Events(t.Context(), after) {
			if !errors.Is(err, want) || err == nil && e.Seq != after+1 {
				t.Errorf("after %d comes %d, %v, want %v", after, e.Seq, err, want)
			}
			break
		}
	}
}

func TestRepoSnapshot(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	first := alice.create(t, "first")
	count := func(r pds.Repo) (n int) {
		for _, err := range r.List(t.Context(), posts) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	done := errors.New("done")
	err := w.Repo(alice.did).Snapshot(t.Context(), func(r pds.Repo) error {
		second := alice.create(t, "second")
		if rev, err := r.Rev(t.Context()); err != nil || rev.String() != first.Commit.Rev || count(r) != 1 {
			t.Errorf("the snapshot is at %s with %d posts, %v; want %s", rev, count(r), err, first.Commit.Rev)
		}
		if rev, err := w.Repo(alice.did).Rev(t.Context()); err != nil || rev.String() != second.Commit.Rev {
			t.Errorf("the repo is at %s, %v; want %s", rev, err, second.Commit.Rev)
		}
		return done
	})
	if err != done || count(w.Repo(alice.did)) != 2 {
		t.Errorf("after it: %v, %d posts", err, count(w.Repo(alice.did)))
	}
}
