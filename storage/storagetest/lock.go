package storagetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

// lockSentences are what all other tests take for granted: that a call doesn't wait for one that is
// under way. They come first, so that a store that breaks one of them is found out instead of
// locking itself out.
var lockSentences = []sentence{
	{"Store", "readers don't wait for writers", "Readers don't wait for writers.", testReadersDontWait},
	{"Store", "a loop's body calls other methods", "A loop's body may call other methods of the store.", testLoopBody},
	{"Repos.Snapshot", "writers go on", "Writers aren't delayed.", testSnapshotWriters},
	{"Repos.Replace", "other writers go on", "other writers go on meanwhile.", testReplaceWriters},
	{"Events.WaitEvents", "writers go on", "It doesn't delay writers", testWaitWriters},
}

// within reports whether f returns without an error, and marks the test as failed if it doesn't.
// One that is still waiting, not after a while but when it can be taken as locked out, may outlive
// the test, and so doesn't use it.
func within(t *testing.T, what string, f func() error) bool {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return err == nil
	case <-time.After(patience):
		t.Errorf("%s: still waiting after %v", what, patience)
		return false
	}
}

// free reports whether f returns, whatever comes of it: that is for other tests.
func free(t *testing.T, what string, f func()) bool {
	t.Helper()
	return within(t, what, func() error { f(); return nil })
}

func testReadersDontWait(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1, put("a.b.c/1", "one"))
	_, err := s.UpdateAccount(ctx, did, func(a *storage.Account) error {
		a.PasswordHash = "new"
		within(t, "reading while an update is under way", func() error {
			if got, err := s.Account(ctx, did); err != nil || got.PasswordHash == "new" {
				return fmt.Errorf("got account %+v, %v", got, err)
			}
			if log, err := collect(s.ListEvents(ctx, storage.EventRange{})); err != nil || len(log) != 3 {
				return fmt.Errorf("got %d events, %v", len(log), err)
			}
			return sameRepo(ctx, s, r)
		})
		return nil
	})
	ok(t, "UpdateAccount", err)
}

func testLoopBody(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := populate(t, s)
	i := 0
	for what, seq := range listings(ctx, s) {
		n := 0
		for err := range seq { // a listing may see what is written while it runs
			ok(t, what, err)
			i++
			c, next := r.commit(put(fmt.Sprint("z.z.z/", i), what))
			if !free(t, "calling the store while ranging over "+what, func() {
				s.Commit(ctx, c)
				sameRepo(ctx, s, next)
				collect(s.ListEvents(ctx, storage.EventRange{Limit: 1}))
			}) {
				return
			}
			r = next
			if n++; n == 3 {
				break
			}
		}
	}
}

// createAll creates an account for each of eventWriters.
func createAll(t *testing.T, s storage.Store) (rs []*tree) {
	t.Helper()
	for i := range eventWriters {
		rs = append(rs, create(t, s, 10+i))
	}
	return rs
}

// writeAll writes by each of eventWriters, as long as none is locked out, and reports whether all
// have written.
func writeAll(t *testing.T, s storage.Store, rs []*tree, during string) bool {
	t.Helper()
	for i, w := range eventWriters {
		what := fmt.Sprintf("%s during %s", w.name, during)
		if !free(t, what, func() { w.write(t.Context(), s, rs[i]) }) {
			return false
		}
	}
	return true
}

func testSnapshotWriters(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r, rs := create(t, s, 1, put("a.b.c/1", "one")), createAll(t, s)
	ok(t, "Snapshot", s.Snapshot(ctx, func(snap storage.RepoReader) error {
		for _, err := range snap.Records(ctx, testDID(1), storage.RecordRange{}) { // also while a query is open
			ok(t, "Records", err)
			c, _ := r.commit(put("a.b.c/1", "two"))
			if !free(t, "Commit during a snapshot", func() { s.Commit(ctx, c) }) {
				return nil
			}
		}
		writeAll(t, s, rs, "a snapshot")
		return nil
	}))
}

func testReplaceWriters(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old, rs := create(t, s, 1, put("a.b.c/1", "one")), createAll(t, s)
	c, rows, _ := old.replace(put("a.b.c/1", "new"), put("a.b.c/2", "new"))
	_, err := s.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
		for i, r := range rows {
			if i == 1 && !writeAll(t, s, rs, "a replacement") { // when it has begun
				yield(storage.Row{}, ErrFault)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	})
	if !t.Failed() {
		ok(t, "Replace", err)
	}
}

func testWaitWriters(t *testing.T, s storage.Store) {
	rs := createAll(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a := &attentive{Context: ctx, asked: make(chan struct{})}
	go s.WaitEvents(a, must(s.LastSeq(ctx))(t)+1000)
	select {
	case <-a.asked:
		yield()
	case <-time.After(patience / 100):
	}
	writeAll(t, s, rs, "a wait")
}
