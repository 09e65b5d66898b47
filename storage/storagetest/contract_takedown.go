package storagetest

import (
	"testing"

	"github.com/pdskit/pdskit/storage"
)

var takedownSentences = []sentence{
	{"Repos.SetRecordTakedown", "set and lift", "SetRecordTakedown sets or, with \"\", lifts the takedown of a record.",
		testTakedown},
	{"Repos.SetRecordTakedown", "later writes", "A takedown outlasts later writes of the record", testTakedownWrites},
	{"Repos.SetRecordTakedown", "replaced content", "a Replace whose rows have a record at its path",
		testTakedownReplaced},
	{"Repos.SetRecordTakedown", "the record ends", "A takedown outlasts later writes of the record, and a Replace whose " +
		"rows have a record at its path; it ends with the record.", testTakedownEnds},
	{"Repos.SetRecordTakedown", "up to the readers", "What it means is up to the readers: the record is read and listed as " +
		"before.", testTakedown},
	{"Repos.SetRecordTakedown", "absent", "Error: [ErrNotFound].", testTakedownAbsent},
}

// takeDown takes down a record, or lifts that, and returns what the repo is then.
func takeDown(t testing.TB, s storage.Store, r *tree, path, ref string) *tree {
	t.Helper()
	ok(t, "SetRecordTakedown", s.SetRecordTakedown(t.Context(), r.head.DID, path, ref))
	return r.takeDown(path, ref)
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
			fails(t, "SetRecordTakedown", s.SetRecordTakedown(ctx, testDID(n), path, ref), storage.ErrNotFound)
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
