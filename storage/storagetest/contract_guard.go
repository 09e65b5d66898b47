package storagetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

var guardSentences = []sentence{
	{"Repos.Commit", "the guard", "[ErrGuard], also if there is a guard and no account",
		func(t *testing.T, s storage.Store) { testGuard(t, s, guardedCommit) }},
	{"Repos.Commit", "the guard comes first", "Errors, of which the first that applies is returned", testCommitPrecedence},
	{"Repos.Replace", "the guard", "Error, beside those of Commit",
		func(t *testing.T, s storage.Store) { testGuard(t, s, guardedReplace) }},
	{"Repos.Replace", "the guard at the end", "Guard and head are checked at the end, and may be checked before the first " +
		"row too.", testReplaceGuardAtEnd},
	{"BlobIndex.PutBlob", "the guard", "The guard is on the blob's account; nil for none.",
		func(t *testing.T, s storage.Store) { testGuard(t, s, guardedPutBlob) }},
	{"BlobIndex.PutBlob", "the guard's error", "[ErrGuard]", testPutBlobPrecedence},
	{"Documents.PutDocument", "the guard", "[ErrGuard], also if there is a guard and no account",
		func(t *testing.T, s storage.Store) { testGuard(t, s, guardedPutDocument) }},
	{"Documents.PutDocument", "the guard comes first", "Errors, of which the first that applies is returned",
		testPutDocumentPrecedence},
	{"Documents.SwapDocument", "the guard", "[ErrGuard], as of PutDocument",
		func(t *testing.T, s storage.Store) { testGuard(t, s, guardedSwapDocument) }},
	{"Documents.SwapDocument", "whose account is guarded", "The guard is on the account of new's Owner.", testSwapOwners},
	{"Documents.SwapDocument", "the guard comes first", "Errors, of which the first that applies is returned",
		testSwapDocumentPrecedence},
}

// guarded begins a write that a guard on the first account decides. It returns how to do it, which
// can be done once with success, and whether it has happened. i makes it differ from others.
type guarded func(t testing.TB, s storage.Store, r *tree, i int) (write func(*storage.Guard) error, done func() bool)

func guardedCommit(t testing.TB, s storage.Store, r *tree, i int) (func(*storage.Guard) error, func() bool) {
	c, _ := r.commit(put("a.b.c/guarded", fmt.Sprint("guarded ", i)))
	return func(g *storage.Guard) error {
		c := c
		c.Guard = g
		return only(s.Commit(t.Context(), c))
	}, func() bool { return guardedHead(t, s, c) }
}

func guardedReplace(t testing.TB, s storage.Store, r *tree, i int) (func(*storage.Guard) error, func() bool) {
	c, rows, _ := r.replace(put("a.b.c/guarded", fmt.Sprint("guarded ", i)))
	return func(g *storage.Guard) error {
		c := c
		c.Guard = g
		return only(s.Replace(t.Context(), c, rowsOf(rows)))
	}, func() bool { return guardedHead(t, s, c) }
}

// guardedHead says whether c has become the head of its repo.
func guardedHead(t testing.TB, s storage.Store, c storage.Commit) bool {
	head, err := s.Head(t.Context(), c.Head.DID)
	if !errors.Is(err, storage.ErrNotFound) {
		ok(t, "Head", err)
	}
	return head.Commit == c.Head.Commit
}

func guardedPutBlob(t testing.TB, s storage.Store, r *tree, i int) (func(*storage.Guard) error, func() bool) {
	b := testBlob(r.head.DID, fmt.Sprint("guarded ", i), 1)
	return func(g *storage.Guard) error { return s.PutBlob(t.Context(), b, g) }, func() bool {
		_, err := s.Blob(t.Context(), b.DID, b.CID)
		return err == nil
	}
}

func guardedPutDocument(t testing.TB, s storage.Store, r *tree, i int) (func(*storage.Guard) error, func() bool) {
	d := fresh(testDocument("guarded", fmt.Sprint(i), r.head.DID, 9))
	return func(g *storage.Guard) error {
			d := d
			d.Guard = g
			return s.PutDocument(t.Context(), d)
		}, func() bool {
			_, err := s.Document(t.Context(), "guarded", d.ID)
			return err == nil
		}
}

func guardedSwapDocument(t testing.TB, s storage.Store, r *tree, i int) (func(*storage.Guard) error, func() bool) {
	old := testDocument("swapped", fmt.Sprint(i), r.head.DID, 9)
	if _, err := s.Document(t.Context(), "swapped", old.ID); err != nil {
		store(t, s, old)
	}
	d := fresh(old)
	d.Value = []byte("new")
	return func(g *storage.Guard) error {
			d := d
			d.Guard = g
			return s.SwapDocument(t.Context(), old, d)
		}, func() bool {
			now, err := s.Document(t.Context(), "swapped", old.ID)
			return err == nil && string(now.Value) == "new"
		}
}

// testGuard tries a write with guards that don't admit the account, and then with some that do.
func testGuard(t *testing.T, s storage.Store, begin guarded) {
	const active, deactivated, suspended = storage.StatusActive, storage.StatusDeactivated, storage.StatusSuspended
	is := func(statuses ...storage.AccountStatus) []storage.AccountStatus { return statuses }
	for _, c := range []struct {
		change  func(*storage.Account)
		refused []storage.Guard
		admits  storage.Guard
	}{
		{
			func(a *storage.Account) {},
			[]storage.Guard{
				{Epoch: 1}, {Epoch: -1}, {Statuses: []storage.AccountStatus{}}, {Statuses: is(deactivated)}, {Epoch: 1, Statuses: is(active)},
			},
			storage.Guard{},
		}, {
			func(a *storage.Account) { a.Epoch = 5 },
			[]storage.Guard{{}, {Epoch: 4}, {Epoch: 6}, {Epoch: 4, Statuses: is(active)}, {Epoch: 5, Statuses: is(suspended)}},
			storage.Guard{Epoch: 5, Statuses: is(active)},
		}, {
			func(a *storage.Account) { a.DeactivatedAt = at(1) },
			[]storage.Guard{{Statuses: is(active)}, {Statuses: is(active, suspended)}, {Epoch: 1, Statuses: is(deactivated)}},
			storage.Guard{Statuses: is(active, deactivated)},
		}, {
			func(a *storage.Account) {
				a.DeactivatedAt, a.TakedownRef, a.Epoch, a.SessionEpoch = at(1), "ref", 1<<53, 7
			},
			[]storage.Guard{{Epoch: 7}, {Epoch: 1 << 53, Statuses: is(active, deactivated, suspended)}},
			storage.Guard{Epoch: 1 << 53, Statuses: is(storage.StatusTakendown)},
		}, {
			func(a *storage.Account) { a.TakedownRef, a.Suspended = "ref", true },
			[]storage.Guard{{Statuses: is(storage.StatusTakendown)}, {Statuses: is(active)}},
			storage.Guard{Statuses: is(suspended)},
		},
	} {
		r := create(t, s, 1)
		alter(t, s, 1, c.change)
		log := events(t, s)
		write, done := begin(t, s, r, 0)
		for _, g := range c.refused {
			fails(t, "a write that the guard refuses", write(&g), storage.ErrGuard)
			want(t, "whether it was written", done(), false)
		}
		want(t, "the log", events(t, s), log)
		ok(t, "a write that the guard admits", write(&c.admits))
		want(t, "whether it was written", done(), true)
		ok(t, "Check", Check(t.Context(), s))
		must(s.DeleteAccount(t.Context(), testDID(1)))(t)
		for _, id := range must(s.ClaimBlobs(t.Context(), at(0), 9))(t) {
			ok(t, "RemoveBlob", s.RemoveBlob(t.Context(), id))
		}
	}
	testGuardWithoutAccount(t, s, begin)
}

// testGuardWithoutAccount does the write for the first account, which isn't there.
func testGuardWithoutAccount(t *testing.T, s storage.Store, begin guarded) {
	create(t, s, 2)
	write, done := begin(t, s, emptyTree(testDID(1)), 0)
	err := write(&storage.Guard{})
	if !errors.Is(err, storage.ErrGuard) && !errors.Is(err, storage.ErrNotFound) { // as PutBlob has it
		t.Fatalf("a write with a guard and without an account: error is %v", err)
	}
	want(t, "whether it was written", done(), false)
}

func testCommitPrecedence(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old := create(t, s, 1)
	r := commit(t, s, old, put("a.b.c/1", "one"))
	refused := &storage.Guard{Epoch: 1}
	c, _ := old.commit(put("a.b.c/2", "two", blobOf("missing")))
	_, err := s.Commit(ctx, c)
	fails(t, "Commit with another head and a missing blob", err, storage.ErrConflict)
	c.Guard = refused
	_, err = s.Commit(ctx, c)
	fails(t, "Commit with a guard, another head and a missing blob", err, storage.ErrGuard)
	c, _ = r.commit(put("a.b.c/2", "two", blobOf("missing")))
	c.Guard = refused
	_, err = s.Commit(ctx, c)
	fails(t, "Commit with a guard and a missing blob", err, storage.ErrGuard)
	c, _ = emptyTree(testDID(2)).commit(put("a.b.c/1", "one"))
	c.Guard, c.Prev = &storage.Guard{}, blobOf("no commit")
	_, err = s.Commit(ctx, c)
	fails(t, "Commit without an account", err, storage.ErrGuard)
	wantRepo(t, s, r)
}

func testReplaceGuardAtEnd(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for _, head := range []bool{false, true} {
		r := create(t, s, 1, put("a.b.c/1", "one"))
		c, rows, _ := r.replace(put("a.b.c/2", "two"))
		c.Guard = &storage.Guard{Statuses: []storage.AccountStatus{storage.StatusActive}}
		first := true
		_, err := s.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
			for _, row := range rows {
				if first {
					first = false
					alter(t, s, 1, func(a *storage.Account) { a.DeactivatedAt = at(1) })
					if head { // which the guard outranks
						r = commit(t, s, r, put("a.b.c/3", "meanwhile"))
					}
				}
				if !yield(row, nil) {
					return
				}
			}
		})
		fails(t, "Replace", err, storage.ErrGuard)
		wantRepo(t, s, r)
		must(s.DeleteAccount(ctx, testDID(1)))(t)
	}
}

func testPutBlobPrecedence(t *testing.T, s storage.Store) {
	ctx, refused := t.Context(), &storage.Guard{Epoch: 1}
	b := testBlob(testDID(1), "blob", 1)
	fails(t, "PutBlob without an account", s.PutBlob(ctx, b, refused), storage.ErrNotFound)
	create(t, s, 1)
	fails(t, "PutBlob", s.PutBlob(ctx, b, refused), storage.ErrGuard)
	upload(t, s, b)
	want(t, "ClaimBlobs", claimed(t, s, at(2)), blobStrings("blob"))
	fails(t, "PutBlob of one that is about to be deleted", s.PutBlob(ctx, b, refused), storage.ErrGuard)
	fails(t, "PutBlob of one that is about to be deleted", s.PutBlob(ctx, b, &storage.Guard{}), storage.ErrConflict)
}

func testPutDocumentPrecedence(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create(t, s, 1)
	d := storage.NewDocument{Document: testDocument("kind", "id", testDID(1), 9), Limit: 1}
	ok(t, "PutDocument", s.PutDocument(ctx, d))
	fails(t, "PutDocument of one that exists, beyond the limit", s.PutDocument(ctx, d), storage.ErrExists)
	d.Guard = &storage.Guard{Epoch: 1}
	fails(t, "PutDocument of one that exists, with a guard", s.PutDocument(ctx, d), storage.ErrGuard)
	d.ID = "id 2"
	fails(t, "PutDocument beyond the limit, with a guard", s.PutDocument(ctx, d), storage.ErrGuard)
	for _, d := range []storage.Document{testDocument("kind", "id", testDID(2), 9), testDocument("kind", "id 3", "", 9)} {
		guarded := storage.NewDocument{Document: d, Guard: &storage.Guard{}}
		fails(t, "PutDocument with a guard and no account", s.PutDocument(ctx, guarded), storage.ErrGuard)
	}
}

func testSwapOwners(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for n := 1; n <= 2; n++ {
		create(t, s, n)
		alter(t, s, n, func(a *storage.Account) { a.Epoch = int64(n) })
	}
	old := testDocument("kind", "id", testDID(1), 9)
	store(t, s, old)
	new := fresh(old)
	new.Owner, new.Guard = testDID(2), &storage.Guard{Epoch: 1}
	fails(t, "SwapDocument with a guard on the old owner", s.SwapDocument(ctx, old, new), storage.ErrGuard)
	want(t, "Document", must(s.Document(ctx, "kind", "id"))(t), old)
	new.Guard = &storage.Guard{Epoch: 2}
	ok(t, "SwapDocument with a guard on the new owner", s.SwapDocument(ctx, old, new))
	want(t, "Document", must(s.Document(ctx, "kind", "id"))(t), new.Document)
}

func testSwapDocumentPrecedence(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create(t, s, 1)
	refused := &storage.Guard{Epoch: 1}
	old := testDocument("kind", "id", testDID(1), 9)
	new := storage.NewDocument{Document: old, Guard: refused}
	fails(t, "SwapDocument of one that isn't there", s.SwapDocument(ctx, old, new), storage.ErrGuard)
	store(t, s, old)
	stale := old
	stale.Value = []byte("stale")
	fails(t, "SwapDocument of a stale value", s.SwapDocument(ctx, stale, new), storage.ErrGuard)
	new.Owner, new.Guard = testDID(2), &storage.Guard{}
	fails(t, "SwapDocument to an owner without an account", s.SwapDocument(ctx, old, new), storage.ErrGuard)
	want(t, "Document", must(s.Document(ctx, "kind", "id"))(t), old)
}
