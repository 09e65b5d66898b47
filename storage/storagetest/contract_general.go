package storagetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

var generalSentences = []sentence{
	{"Store", "a failed write leaves nothing",
		"A method that writes is atomic: all of it happens, or none.", testFailedWrite},
	{"Store", "a write is seen by the next read",
		"A read that begins after a write has returned sees that write.", testReadAfterWrite},
	{"Store", "readers don't wait for writers", "Readers don't wait for writers.", testReadersDontWait},
	{"Store", "a conflict isn't hidden", "A backend neither retries [ErrConflict] nor hides it", testConflictShown},
	{"Store", "an ended context leaves nothing or all",
		"A method that returns because its context ended has written nothing, or all of it.", testContext},
	{"Store", "absence", "Getting one thing that isn't there is [ErrNotFound]; a listing of nothing is empty; " +
		"deleting what isn't there is no error.", testAbsence},
	{"Store", "slices handed in are copied",
		"Byte slices handed in are the backend's only until the method returns", testOwnership},
	{"Store", "times are kept", "are kept to the millisecond at least, and come back in UTC; the zero time comes back " +
		"as the zero time.", testTimes},
	{"Store", "a backend never reads the clock",
		"A backend never reads the clock.", testNoClock},
	{"Store", "iterators run when ranged over", "Iterators run their query when they're ranged over", testIteratorsLazy},
	{"Store", "iterators stop", "stop when the loop stops, and yield at most one error, as their last pair.",
		testIteratorsStop},
	{"Store", "a loop's body calls other methods", "A loop's body may call other methods of the store.", testLoopBody},
	{"Store", "values are opaque",
		"a backend compares handles, addresses, paths and CIDs byte by byte, and neither validates nor normalises them.",
		testOpaque},
}

func testFailedWrite(t *testing.T, s storage.Store) {
	r := create(t, s, 1, put("a.b.c/1", "one"))
	before := events(t, s)
	c, _ := r.commit(put("a.b.c/2", "two"), del("a.b.c/1"), put("a.b.c/3", "three", blobOf("missing")))
	_, err := s.Commit(t.Context(), c)
	fails(t, "Commit with a missing blob", err, storage.ErrNotFound)
	wantRepo(t, s, r)
	want(t, "the log", events(t, s), before)
	want(t, "missing blobs", all(t, "ListMissingBlobs", s.ListMissingBlobs(t.Context(), testDID(1), "", 9)), nil)
}

func testReadAfterWrite(t *testing.T, s storage.Store) {
	r := create(t, s, 1)
	for i := range 20 {
		r = commit(t, s, r, put("a.b.c/self", time.Duration(i).String()))
		problem := make(chan error)
		go func() { problem <- sameRepo(t.Context(), s, r) }()
		if err := <-problem; err != nil {
			t.Fatal(err)
		}
	}
}

// within fails the test if f returns an error, or doesn't return: not after a while, but when it can be taken as
// deadlocked. f may outlive the test then, and so doesn't use it.
func within(t *testing.T, what string, f func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(10 * time.Second):
		t.Errorf("%s: still waiting", what)
	}
}

func testReadersDontWait(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1, put("a.b.c/1", "one"))
	_, err := s.UpdateAccount(ctx, did, func(a *storage.Account) error {
		a.PasswordHash = "new"
		within(t, "reading while an update is under way", func() error {
			if got, err := s.Account(ctx, did); err != nil || got.PasswordHash == "new" {
				return fmt.Errorf("Account: %+v, %v", got, err)
			}
			if log, err := collect(s.ListEvents(ctx, 0, 0)); err != nil || len(log) != 3 {
				return fmt.Errorf("ListEvents: %d events, %v", len(log), err)
			}
			return sameRepo(ctx, s, r)
		})
		return nil
	})
	ok(t, "UpdateAccount", err)
}

func testConflictShown(t *testing.T, s storage.Store) {
	r := create(t, s, 1)
	stale, _ := r.commit(put("a.b.c/1", "stale"))
	r = commit(t, s, r, put("a.b.c/1", "first"))
	for range 3 {
		_, err := s.Commit(t.Context(), stale)
		fails(t, "Commit", err, storage.ErrConflict)
	}
	wantRepo(t, s, r)
}

func testContext(t *testing.T, s storage.Store) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	ctx := t.Context()
	// After a write that had every reason to fail, the repo is what it was or what it was to become.
	either := func(old, new *tree, err error) *tree {
		t.Helper()
		if err != nil && sameRepo(ctx, s, old) == nil {
			return old
		}
		wantRepo(t, s, new)
		return new
	}
	r := create(t, s, 1)
	c, next := r.commit(put("a.b.c/1", "one"))
	_, err := s.Commit(ended, c)
	r = either(r, next, err)

	c, rows, next := r.replace(put("a.b.c/2", "two"))
	_, err = s.Replace(ended, c, rowsOf(rows))
	either(r, next, err)

	a, second := newAccount(2)
	_, createErr := s.CreateAccount(ended, a)
	if _, err := s.Account(ctx, testDID(2)); err == nil {
		wantRepo(t, s, second)
	} else {
		fails(t, "Account", err, storage.ErrNotFound)
		wantNoRepo(t, s, testDID(2))
		if createErr == nil {
			t.Fatal("CreateAccount reports no error, and there is no account")
		}
	}

	putErr := s.PutToken(ended, testToken("kind", "id", testDID(1), 1))
	if _, err := s.Token(ctx, "kind", "id"); err != nil && putErr == nil {
		t.Fatalf("PutToken reports no error, but Token: %v", err)
	}
	ok(t, "Check", Check(ctx, s))
}

func testAbsence(t *testing.T, s storage.Store) {
	ctx, did, blob := t.Context(), testDID(1), blobOf("blob")
	for what, get := range map[string]func() error{
		"Account":         func() error { _, err := s.Account(ctx, did); return err },
		"AccountByHandle": func() error { _, err := s.AccountByHandle(ctx, "user1.test"); return err },
		"AccountByEmail":  func() error { _, err := s.AccountByEmail(ctx, "user1@example.com"); return err },
		"Head":            func() error { _, err := s.Head(ctx, did); return err },
		"Record":          func() error { _, err := s.Record(ctx, did, "a.b.c/1"); return err },
		"Token":           func() error { _, err := s.Token(ctx, "kind", "id"); return err },
		"TakeToken":       func() error { _, err := s.TakeToken(ctx, "kind", "id"); return err },
		"Key":             func() error { _, err := s.Key(ctx, "name"); return err },
		"Blob":            func() error { _, err := s.Blob(ctx, did, blob); return err },
	} {
		fails(t, what, get(), storage.ErrNotFound)
	}
	want(t, "ListAccounts", all(t, "ListAccounts", s.ListAccounts(ctx, 0, 10)), nil)
	want(t, "ListEvents", events(t, s), nil)
	want(t, "ListTokens", all(t, "ListTokens", s.ListTokens(ctx, "kind", did)), nil)
	want(t, "ListBlobs", all(t, "ListBlobs", s.ListBlobs(ctx, did, "", "", 10)), nil)
	want(t, "ListMissingBlobs", all(t, "ListMissingBlobs", s.ListMissingBlobs(ctx, did, "", 10)), nil)
	want(t, "ClaimBlobs", must(s.ClaimBlobs(ctx, at(0), 10))(t), nil)
	wantNoRepo(t, s, did, blob)

	ok(t, "DeleteTokens", s.DeleteTokens(ctx, did))
	ok(t, "DeleteKey", s.DeleteKey(ctx, "name"))
	ok(t, "RemoveBlob", s.RemoveBlob(ctx, storage.BlobID{DID: did, CID: blob}))
	want(t, "TrimEvents", must(s.TrimEvents(ctx, at(0), 10))(t), 0)
	want(t, "ExpireTokens", must(s.ExpireTokens(ctx, at(0), 10))(t), 0)
	commit(t, s, create(t, s, 1), del("a.b.c/none"))
}

func testOwnership(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	spoil := func(bs ...[]byte) {
		for _, b := range bs {
			for i := range b {
				b[i] ^= 0xff
			}
		}
	}
	// A commit whose slices are copies of those that are compared later.
	c, next := r.commit(put("a.b.c/1", "one"))
	written := c
	written.Head.Block = append([]byte{}, c.Head.Block...)
	written.NewNodes = nil
	for _, b := range c.NewNodes {
		b.Bytes = append([]byte{}, b.Bytes...)
		written.NewNodes = append(written.NewNodes, b)
	}
	written.Writes = []storage.RecordWrite{c.Writes[0]}
	written.Writes[0].Bytes = append([]byte{}, c.Writes[0].Bytes...)
	written.Events = []storage.Event{c.Events[0]}
	written.Events[0].Body = append([]byte{}, c.Events[0].Body...)
	seq := must(s.Commit(ctx, written))(t)
	spoil(written.Head.Block, written.NewNodes[0].Bytes, written.Writes[0].Bytes, written.Events[0].Body)
	wantRepo(t, s, next)
	log := all(t, "ListEvents", s.ListEvents(ctx, seq-1, 1))
	want(t, "the event's body", log[0].Body, c.Events[0].Body)

	token := testToken("kind", "id", did, 1)
	ok(t, "PutToken", s.PutToken(ctx, token))
	spoil(token.Value)
	want(t, "Token", must(s.Token(ctx, "kind", "id"))(t), testToken("kind", "id", did, 1))
	swapped := testToken("kind", "id", did, 1)
	swapped.Value = []byte("swapped")
	ok(t, "SwapToken", s.SwapToken(ctx, testToken("kind", "id", did, 1), swapped))
	spoil(swapped.Value)
	want(t, "Token", string(must(s.Token(ctx, "kind", "id"))(t).Value), "swapped")

	sealed := []byte("sealed")
	ok(t, "PutKey", s.PutKey(ctx, "name", sealed))
	spoil(sealed)
	want(t, "Key", string(must(s.Key(ctx, "name"))(t)), "sealed")
}

func testTimes(t *testing.T, s storage.Store) {
	ctx := t.Context()
	zone := time.FixedZone("somewhere", 3600)
	moment := at(7).In(zone)
	a, _ := newAccount(1)
	a.Account.CreatedAt, a.Account.EmailConfirmedAt = moment, time.Time{}.In(zone)
	must(s.CreateAccount(ctx, a))(t)
	got := must(s.Account(ctx, testDID(1)))(t)
	want(t, "CreatedAt", got.CreatedAt, at(7))
	for what, zero := range map[string]time.Time{
		"EmailConfirmedAt": got.EmailConfirmedAt, "DeactivatedAt": got.DeactivatedAt, "DeleteAfter": got.DeleteAfter,
	} {
		if zero != (time.Time{}) {
			t.Errorf("%s is %#v, want the zero time", what, zero)
		}
	}

	token := testToken("kind", "id", testDID(1), 9)
	token.IssuedAt, token.ExpiresAt = moment, moment.Add(time.Millisecond)
	ok(t, "PutToken", s.PutToken(ctx, token))
	token = must(s.Token(ctx, "kind", "id"))(t)
	want(t, "IssuedAt", token.IssuedAt, at(7))
	want(t, "ExpiresAt", token.ExpiresAt, at(8))

	e := testEvent(testDID(1), storage.EventAccount, 1)
	e.Time = moment
	seq := must(s.AppendEvents(ctx, e))(t)
	want(t, "the event's Time", all(t, "ListEvents", s.ListEvents(ctx, seq-1, 1))[0].Time, at(7))

	b := testBlob(testDID(1), "blob", 0)
	b.CreatedAt = moment
	ok(t, "PutBlob", s.PutBlob(ctx, b))
	want(t, "the blob's CreatedAt", must(s.Blob(ctx, testDID(1), b.CID))(t).CreatedAt, at(7))
}

// testNoClock works with times long past and far ahead, which a backend that looks at the clock would take as due.
func testNoClock(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	for i, year := range []int{1971, 2300} {
		when := time.Date(year, time.May, 6, 7, 8, 9, 10_000_000, time.UTC)
		token := storage.Token{Kind: "kind", ID: when.String(), DID: did, IssuedAt: when, ExpiresAt: when.Add(1e9)}
		ok(t, "PutToken", s.PutToken(ctx, token))
		want(t, "Token", must(s.Token(ctx, token.Kind, token.ID))(t), token)
		fails(t, "PutToken again", s.PutToken(ctx, token), storage.ErrExists)
		want(t, "ListTokens", len(all(t, "ListTokens", s.ListTokens(ctx, "kind", did))), i+1)

		e := testEvent(did, storage.EventAccount, i)
		e.Time = when
		must(s.AppendEvents(ctx, e))(t)
		want(t, "the event's Time", events(t, s)[i].Time, when)
	}
}

func testIteratorsLazy(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	accounts := s.ListAccounts(ctx, 0, 10)
	records := s.Records(ctx, did, storage.RecordRange{})
	log := s.ListEvents(ctx, 0, 0)
	tokens := s.ListTokens(ctx, "kind", did)
	blobs := s.ListBlobs(ctx, did, "", "", 10)
	missing := s.ListMissingBlobs(ctx, did, "", 10)

	r := create(t, s, 1)
	c, _ := r.commit(put("a.b.c/1", "one", blobOf("blob")))
	c.AllowMissingBlobs = true
	must(s.Commit(ctx, c))(t)
	ok(t, "PutToken", s.PutToken(ctx, testToken("kind", "id", did, 1)))

	want(t, "ListAccounts", len(all(t, "ListAccounts", accounts)), 1)
	want(t, "Records", len(all(t, "Records", records)), 1)
	want(t, "ListEvents", len(all(t, "ListEvents", log)), 4)
	want(t, "ListTokens", len(all(t, "ListTokens", tokens)), 1)
	want(t, "ListBlobs", len(all(t, "ListBlobs", blobs)), 1)
	want(t, "ListMissingBlobs", len(all(t, "ListMissingBlobs", missing)), 1)
}

// listings returns every listing of a store in which populate has put things, with the number of pairs it yields.
func listings(ctx context.Context, s storage.Store) map[string]iter.Seq[error] {
	did := testDID(1)
	return map[string]iter.Seq[error]{
		"ListAccounts":     errorsOf(s.ListAccounts(ctx, 0, 10)),
		"Records":          errorsOf(s.Records(ctx, did, storage.RecordRange{})),
		"ListEvents":       errorsOf(s.ListEvents(ctx, 0, 0)),
		"ListTokens":       errorsOf(s.ListTokens(ctx, "kind", did)),
		"ListBlobs":        errorsOf(s.ListBlobs(ctx, did, "", "", 10)),
		"ListMissingBlobs": errorsOf(s.ListMissingBlobs(ctx, did, "", 10)),
	}
}

// populate gives each listing of listings three things to yield or more, and returns the first account's repo.
func populate(t testing.TB, s storage.Store) *tree {
	t.Helper()
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	create(t, s, 2)
	create(t, s, 3)
	c, r := r.commit(put("a.b.c/1", "1", blobOf("1")), put("a.b.c/2", "2", blobOf("2")), put("a.b.c/3", "3", blobOf("3")))
	c.AllowMissingBlobs = true
	must(s.Commit(ctx, c))(t)
	for _, id := range []string{"1", "2", "3"} {
		ok(t, "PutToken", s.PutToken(ctx, testToken("kind", id, did, 1)))
	}
	return r
}

func errorsOf[V any](seq iter.Seq2[V, error]) iter.Seq[error] {
	return func(yield func(error) bool) {
		for _, err := range seq {
			if !yield(err) {
				return
			}
		}
	}
}

func testIteratorsStop(t *testing.T, s storage.Store) {
	populate(t, s)
	for what, seq := range listings(t.Context(), s) {
		n := 0
		for err := range seq { // a listing that goes on after this makes the loop panic
			ok(t, what, err)
			if n++; n == 2 {
				break
			}
		}
		want(t, what+": pairs until the loop stopped", n, 2)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, seq := range listings(ctx, s) {
		var last error
		for err := range seq {
			if last != nil {
				t.Fatalf("%s: went on after error %v", what, last)
			}
			last = err
		}
		if last != nil && !errors.Is(last, context.Canceled) {
			t.Errorf("%s: error is %v, want %v", what, last, context.Canceled)
		}
	}
}

func testLoopBody(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := populate(t, s)
	i := 0
	for what, seq := range listings(ctx, s) {
		n := 0
		within(t, "calling the store while ranging over "+what, func() error {
			for err := range seq {
				if err != nil {
					return err
				}
				i++
				c, next := r.commit(put("z.z.z/"+string(rune('a'+i)), what))
				if _, err := s.Commit(ctx, c); err != nil {
					return err
				}
				r = next
				if err := sameRepo(ctx, s, r); err != nil {
					return err
				}
				if _, err := collect(s.ListEvents(ctx, 0, 1)); err != nil {
					return err
				}
				if n++; n == 3 { // a listing may see what is written while it runs
					return nil
				}
			}
			return nil
		})
		if t.Failed() {
			return
		}
		want(t, what+": pairs", n, 3)
	}
	wantRepo(t, s, r)
}

func testOpaque(t *testing.T, s storage.Store) {
	ctx := t.Context()
	spellings := []string{"alice", "Alice", "ALICE", "alice ", "al%", "al_ce", "älice", "a\u0308lice", "o'alice", `al"ice`}
	for i, name := range spellings {
		a, _ := newAccount(i)
		a.Account.Handle, a.Account.Email = syntaxHandle(name), name
		must(s.CreateAccount(ctx, a))(t)
	}
	r := emptyTree(testDID(100))
	for i, name := range spellings {
		want(t, "AccountByHandle "+name, must(s.AccountByHandle(ctx, syntaxHandle(name)))(t).DID, testDID(i))
		want(t, "AccountByEmail "+name, must(s.AccountByEmail(ctx, name))(t).DID, testDID(i))
		ok(t, "PutToken", s.PutToken(ctx, testToken(name, name, testDID(i), 1)))
		ok(t, "PutKey", s.PutKey(ctx, name, []byte(name)))
		r = commit(t, s, r, put("a.b.c/"+name, name))
	}
	wantRepo(t, s, r)
	for i, name := range spellings {
		want(t, "Token "+name, must(s.Token(ctx, name, name))(t).DID, testDID(i))
		want(t, "Key "+name, string(must(s.Key(ctx, name))(t)), name)
	}
	// Two CIDs of the same digest are two things.
	b := testBlob(testDID(1), "blob", 0)
	ok(t, "PutBlob", s.PutBlob(ctx, b))
	_, err := s.Blob(ctx, testDID(1), cid.NewCidV1(cid.DagCBOR, b.CID.Hash()))
	fails(t, "Blob of another codec", err, storage.ErrNotFound)
}
