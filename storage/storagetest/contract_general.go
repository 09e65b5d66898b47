package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

var generalSentences = []sentence{
	{"Store", "a failed write leaves nothing",
		"A method that writes is atomic: all of it happens, or none.", testFailedWrite},
	{"Store", "a write is seen by the next read",
		"A read that begins after a write has returned sees that write.", testReadAfterWrite},
	{"Store", "a conflict isn't hidden", "A backend neither retries [ErrConflict] nor hides it", testConflictShown},
	{"Store", "an ended context leaves nothing or all",
		"A method that returns because its context ended has written nothing, or all of it.", testContext},
	{"Store", "absence", "Getting one thing that isn't there is [ErrNotFound]; a listing of nothing is empty; " +
		"deleting what isn't there is no error.", testAbsence},
	{"Store", "slices handed in are copied",
		"Byte slices handed in are the backend's only until the method returns", testOwnership},
	{"Store", "slices handed out don't change", "those handed out are the caller's for good: they never change, whatever is " +
		"read or written later.", testHandedOut},
	{"Store", "nil and empty slices", "A nil slice and an empty one are the same, unless a comment tells them apart. Either " +
		"comes back with length 0.", testEmpty},
	{"Store", "times are kept", "are kept to the millisecond at least, and come back in UTC; the zero time comes back " +
		"as the zero time.", testTimes},
	{"Store", "a backend never reads the clock",
		"A backend never reads the clock.", testNoClock},
	{"Store", "iterators run when ranged over", "Iterators run their query when they're ranged over", testIteratorsLazy},
	{"Store", "iterators stop", "stop when the loop stops, and yield at most one error, as their last pair.",
		testIteratorsStop},
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
	want(t, "missing blobs", listed(t, s, testDID(1), storage.BlobRange{Missing: true}), nil)
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

	putErr := s.PutDocument(ended, fresh(testDocument("kind", "id", testDID(1), 1)))
	if _, err := s.Document(ctx, "kind", "id"); err != nil && putErr == nil {
		t.Fatalf("PutDocument reports no error, but Document: %v", err)
	}
	ok(t, "Check", Check(ctx, s))
}

func testAbsence(t *testing.T, s storage.Store) {
	ctx, did, blob := t.Context(), testDID(1), blobOf("blob")
	for what, get := range map[string]func() error{
		"Account":               func() error { _, err := s.Account(ctx, did); return err },
		"AccountByHandle":       func() error { _, err := s.AccountByHandle(ctx, "user1.test"); return err },
		"AccountByEmail":        func() error { _, err := s.AccountByEmail(ctx, "user1@example.com"); return err },
		"Head":                  func() error { _, err := s.Head(ctx, did); return err },
		"Record":                func() error { _, err := s.Record(ctx, did, "a.b.c/1"); return err },
		"SetTakedown":           func() error { return s.SetTakedown(ctx, storage.Takedown{DID: did, Path: "a.b.c/1"}) },
		"SetTakedown of a blob": func() error { return s.SetTakedown(ctx, storage.Takedown{DID: did, Blob: blob}) },
		"Document":              func() error { _, err := s.Document(ctx, "kind", "id"); return err },
		"TakeDocument":          func() error { _, err := s.TakeDocument(ctx, "kind", "id"); return err },
		"Blob":                  func() error { _, err := s.Blob(ctx, did, blob); return err },
	} {
		fails(t, what, get(), storage.ErrNotFound)
	}
	want(t, "ListAccounts", all(t, "ListAccounts", s.ListAccounts(ctx, 0, 10)), nil)
	wantDue(t, s, 0)
	wantMembers(t, s, "a.b.c")
	want(t, "ListEvents", events(t, s), nil)
	want(t, "ListEvents", all(t, "ListEvents", s.ListEvents(ctx, storage.EventRange{DID: did})), nil)
	wantDocuments(t, s, nil, storage.DocumentRange{Kind: "kind"})
	wantDocuments(t, s, nil, storage.DocumentRange{Kind: "kind", Owner: did})
	wantDocuments(t, s, nil, storage.DocumentRange{Owner: did})
	want(t, "ListBlobs", listed(t, s, did, storage.BlobRange{}), nil)
	want(t, "ListBlobs", listed(t, s, did, storage.BlobRange{Missing: true}), nil)
	want(t, "ListTakedowns", takedowns(t, s, did), nil)
	want(t, "Records", paths(t, s, did, storage.RecordRange{Collection: "a.b.c", Subject: "subject"}), nil)
	want(t, "Records", paths(t, s, did, storage.RecordRange{Blob: blob}), nil)
	want(t, "ClaimBlobs", must(s.ClaimBlobs(ctx, at(0), 10))(t), nil)
	wantNoRepo(t, s, did, blob)

	ok(t, "DeleteDocuments", s.DeleteDocuments(ctx, did, "kind"))
	ok(t, "RemoveBlob", s.RemoveBlob(ctx, storage.BlobID{DID: did, CID: blob}))
	want(t, "TrimEvents", must(s.TrimEvents(ctx, at(0), 10))(t), 0)
	want(t, "ExpireDocuments", must(s.ExpireDocuments(ctx, at(0), 10))(t), 0)
	commit(t, s, create(t, s, 1), del("a.b.c/none"))
}
