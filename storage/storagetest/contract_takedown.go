package storagetest

import (
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var takedownSentences = []sentence{
	{"Takedowns", "of records and blobs", "Takedowns keeps the takedowns of records and blobs.", testTakedown},
	{"Takedowns.SetTakedown", "set and lift", "SetTakedown sets or, if Ref is \"\", lifts a takedown.", testTakedown},
	{"Takedowns.SetTakedown", "set and lift for a blob", "SetTakedown sets or, if Ref is \"\", lifts a takedown.",
		testBlobTakedown},
	{"Takedowns.SetTakedown", "later writes", "That of a record outlasts later writes of the record", testTakedownWrites},
	{"Takedowns.SetTakedown", "replaced content", "a Replace whose rows have a record at its path",
		testTakedownReplaced},
	{"Takedowns.SetTakedown", "the record ends", "That of a record outlasts later writes of the record, and a Replace " +
		"whose rows have a record at its path; it ends with the record.", testTakedownEnds},
	{"Takedowns.SetTakedown", "up to the readers", "What it means is up to the readers: the record is read and listed as " +
		"before.", testTakedown},
	{"Takedowns.SetTakedown", "no record", "Error: [ErrNotFound] if there is no such record or blob.", testTakedownAbsent},
	{"Takedowns.SetTakedown", "no blob", "Error: [ErrNotFound] if there is no such record or blob.",
		testBlobTakedownAbsent},
}

// takeDown takes down a record, or lifts that, and returns what the repo is then.
func takeDown(t testing.TB, s storage.Store, r *tree, path, ref string) *tree {
	t.Helper()
	ok(t, "SetTakedown", s.SetTakedown(t.Context(), storage.Takedown{DID: r.head.DID, Path: path, Ref: ref}))
	return r.takeDown(path, ref)
}

// takeDownBlob takes down the blob with such bytes, or lifts that.
func takeDownBlob(t testing.TB, s storage.Store, did syntax.DID, data, ref string) {
	t.Helper()
	ok(t, "SetTakedown", s.SetTakedown(t.Context(), storage.Takedown{DID: did, Blob: blobOf(data), Ref: ref}))
}

func testTakedown(t *testing.T, s storage.Store) {
	r := create(t, s, 1, put("a.b.c/1", "same"), put("a.b.c/2", "same"), put("d.e.f/1", "other"))
	other := create(t, s, 2, put("a.b.c/1", "same"))
	log := events(t, s)
	r = takeDown(t, s, r, "a.b.c/1", "ref")
	r = takeDown(t, s, r, "d.e.f/1", "other ref")
	wantRepo(t, s, r) // a record of its bytes, too
	r = takeDown(t, s, r, "a.b.c/1", "new ref")
	wantRepo(t, s, r)
	r = takeDown(t, s, r, "a.b.c/1", "")
	r = takeDown(t, s, r, "a.b.c/2", "") // which is no error
	wantRepo(t, s, r)
	wantRepo(t, s, other)
	want(t, "the log", events(t, s), log)
	ok(t, "Check", Check(t.Context(), s))
}

func testBlobTakedown(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	create(t, s, 1)
	b := testBlob(did, "blob", 1)
	upload(t, s, b)
	for _, ref := range []string{"ref", "ref 2", ""} {
		takeDownBlob(t, s, did, "blob", ref)
		b.TakedownRef = ref
		want(t, "Blob", must(s.Blob(ctx, did, b.CID))(t), b)
	}
}

func testTakedownWrites(t *testing.T, s storage.Store) {
	r := create(t, s, 1, put("a.b.c/1", "one"), put("a.b.c/2", "two"))
	r = takeDown(t, s, r, "a.b.c/1", "ref")
	r = commit(t, s, r, put("a.b.c/1", "new"), put("a.b.c/2", "new"))
	want(t, "TakedownRef", must(s.Record(t.Context(), testDID(1), "a.b.c/1"))(t).TakedownRef, "ref")
	wantRepo(t, s, r)
	r = commit(t, s, r, put("a.b.c/1", "new"), put("a.b.c/3", "three"))
	wantRepo(t, s, r)
	r = takeDown(t, s, r, "a.b.c/1", "")
	wantRepo(t, s, commit(t, s, r, put("a.b.c/1", "newer")))
}

func testTakedownReplaced(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1, put("a.b.c/1", "one"), put("a.b.c/2", "two"), put("d.e.f/1", "three"))
	other := takeDown(t, s, create(t, s, 2, put("a.b.c/2", "two")), "a.b.c/2", "ref")
	r = takeDown(t, s, r, "a.b.c/1", "ref")
	r = takeDown(t, s, r, "a.b.c/2", "ref")
	c, rows, next := r.replace(put("a.b.c/1", "one"), put("d.e.f/1", "new"), put("d.e.f/2", "one"))
	_, err := s.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		r = takeDown(t, s, r, "d.e.f/1", "meanwhile")
		wantRepo(t, s, r)
		yield(storage.Row{}, ErrFault)
	})
	fails(t, "Replace", err, ErrFault)
	wantRepo(t, s, r)
	must(s.Replace(ctx, c, rowsOf(rows)))(t)
	next = next.takeDown("d.e.f/1", "meanwhile")
	wantRepo(t, s, next)
	wantTakedowns(t, s, next)
	wantRepo(t, s, commit(t, s, next, put("a.b.c/2", "without a takedown")))
	wantRepo(t, s, other)
}

func testTakedownEnds(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1, put("a.b.c/1", "one"), put("a.b.c/2", "two"))
	r = takeDown(t, s, r, "a.b.c/1", "ref")
	r = takeDown(t, s, r, "a.b.c/2", "ref")
	r = commit(t, s, r, del("a.b.c/1"), put("a.b.c/3", "one"))
	r = commit(t, s, r, put("a.b.c/1", "one"))
	want(t, "TakedownRef", must(s.Record(ctx, testDID(1), "a.b.c/1"))(t).TakedownRef, "")
	wantRepo(t, s, r)

	must(s.DeleteAccount(ctx, testDID(1)))(t)
	r = create(t, s, 1, put("a.b.c/2", "two"))
	want(t, "TakedownRef", must(s.Record(ctx, testDID(1), "a.b.c/2"))(t).TakedownRef, "")
	wantRepo(t, s, r)
}

func testTakedownAbsent(t *testing.T, s storage.Store) {
	ctx := t.Context()
	refuse := func(n int, path string) {
		t.Helper()
		for _, ref := range []string{"ref", ""} {
			err := s.SetTakedown(ctx, storage.Takedown{DID: testDID(n), Path: path, Ref: ref})
			fails(t, "SetTakedown", err, storage.ErrNotFound)
		}
	}
	refuse(1, "a.b.c/1")
	r := create(t, s, 1, put("a.b.c/1", "one"))
	create(t, s, 2, put("a.b.c/2", "two"))
	refuse(1, "a.b.c/2")
	refuse(1, "a.b.c")
	r = commit(t, s, r, del("a.b.c/1"))
	refuse(1, "a.b.c/1")
	wantRepo(t, s, commit(t, s, r, put("a.b.c/1", "one"), put("a.b.c/2", "two")))
}

func testBlobTakedownAbsent(t *testing.T, s storage.Store) {
	create(t, s, 1)
	create(t, s, 2)
	upload(t, s, testBlob(testDID(1), "blob", 1))
	refuse := func(n int, data string) {
		t.Helper()
		for _, ref := range []string{"ref", ""} {
			err := s.SetTakedown(t.Context(), storage.Takedown{DID: testDID(n), Blob: blobOf(data), Ref: ref})
			fails(t, "SetTakedown", err, storage.ErrNotFound)
		}
	}
	refuse(2, "blob")
	refuse(1, "none")
	want(t, "ClaimBlobs", claimed(t, s, at(2)), blobStrings("blob"))
	refuse(1, "blob") // it's about to be deleted
	want(t, "ClaimBlobs", claimed(t, s, at(0)), blobStrings("blob"))
}
