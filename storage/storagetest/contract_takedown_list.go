package storagetest

import (
	"fmt"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var takedownListSentences = []sentence{
	{"Takedowns.ListTakedowns", "of records", "those of records, ordered by their paths", testListRecordTakedowns},
	{"Takedowns.ListTakedowns", "of blobs", "ordered by the strings of their CIDs.", testListBlobTakedowns},
	{"Takedowns.ListTakedowns", "of both", "ListTakedowns yields an account's takedowns: those of records, ordered by " +
		"their paths, and then those of blobs, ordered by the strings of their CIDs.", testListTakedowns},
}

// takedowns returns an account's takedowns as their paths or CIDs, each with its reference.
func takedowns(t testing.TB, s storage.Store, did syntax.DID) []string {
	t.Helper()
	var got []string
	for _, down := range all(t, "ListTakedowns", s.ListTakedowns(t.Context(), did)) {
		want(t, "whose takedown it is", down.DID, did)
		what := down.Path
		if down.Blob.Defined() {
			want(t, "the path of a blob's takedown", down.Path, "")
			what = down.Blob.String()
		}
		got = append(got, what+" "+down.Ref)
	}
	return got
}

// takedowns returns what takedowns of the repo does.
func (r *tree) takedowns() (down []string) {
	for _, e := range r.sortedRecords() {
		if e.TakedownRef != "" {
			down = append(down, e.Path+" "+e.TakedownRef)
		}
	}
	return down
}

// wantTakedowns fails the test unless the takedowns are exactly those of r's records, and those of
// an account's blobs with such bytes, each with the reference that the blob has.
func wantTakedowns(t testing.TB, s storage.Store, r *tree, data ...string) {
	t.Helper()
	down := r.takedowns()
	for _, c := range blobStrings(data...) {
		for _, d := range data {
			if blobOf(d).String() == c {
				down = append(down, c+" "+must(s.Blob(t.Context(), r.head.DID, blobOf(d)))(t).TakedownRef)
			}
		}
	}
	want(t, "ListTakedowns", takedowns(t, s, r.head.DID), down)
}

func testListRecordTakedowns(t *testing.T, s storage.Store) {
	r := create(t, s, 1, put("a.b.c/1", "1"), put("a.b.c.d/1", "2"), put("a.b.c/2", "3"), put("a.b.c/3", "4"))
	other := create(t, s, 2, put("a.b.c/1", "1"))
	wantTakedowns(t, s, r)
	for i, path := range []string{"a.b.c/2", "a.b.c.d/1", "a.b.c/1"} {
		r = takeDown(t, s, r, path, fmt.Sprint("ref ", i))
		wantTakedowns(t, s, r)
	}
	r = commit(t, s, r, put("a.b.c/1", "new"), del("a.b.c.d/1"))
	wantTakedowns(t, s, r)
	r = takeDown(t, s, r, "a.b.c/2", "")
	wantTakedowns(t, s, r)
	c, rows, next := r.replace(put("a.b.c/1", "newer"), put("a.b.c/2", "newer"))
	must(s.Replace(t.Context(), c, rowsOf(rows)))(t)
	wantTakedowns(t, s, next)
	want(t, "another repo's", takedowns(t, s, other.head.DID), nil)
	must(s.DeleteAccount(t.Context(), testDID(1)))(t)
	wantTakedowns(t, s, create(t, s, 1, put("a.b.c/1", "1")))
}

func testListBlobTakedowns(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	other := create(t, s, 2)
	var data []string
	for i := range 20 {
		data = append(data, fmt.Sprint("blob ", i))
		upload(t, s, testBlob(did, data[i], i))
		upload(t, s, testBlob(testDID(2), data[i], i))
	}
	for i, d := range data[5:] {
		takeDownBlob(t, s, did, d, fmt.Sprint("ref ", i))
	}
	wantTakedowns(t, s, r, data[5:]...)
	r = commit(t, s, r, put("a.b.c/1", "one", blobOf(data[5]), blobOf(data[6])))
	wantTakedowns(t, s, r, data[5:]...)
	r = commit(t, s, r, del("a.b.c/1"))
	wantTakedowns(t, s, r, data[5:]...)
	takeDownBlob(t, s, did, data[6], "")
	takeDownBlob(t, s, did, data[5], "other")
	down := append([]string{data[5]}, data[7:]...)
	wantTakedowns(t, s, r, down...)
	want(t, "blobs to delete", len(must(s.ClaimBlobs(ctx, at(99), 99))(t)), 5+1+20)
	wantTakedowns(t, s, r, down...)
	wantTakedowns(t, s, other)
	must(s.DeleteAccount(ctx, did))(t)
	wantTakedowns(t, s, emptyTree(did))
}

func testListTakedowns(t *testing.T, s storage.Store) {
	r := create(t, s, 1, put("z.z.z/1", "1"), put("a.b.c/1", "2"))
	for _, d := range []string{"1", "2", "3"} {
		upload(t, s, testBlob(testDID(1), d, 1))
		takeDownBlob(t, s, testDID(1), d, "ref "+d)
	}
	wantTakedowns(t, s, r, "1", "2", "3")
	r = takeDown(t, s, r, "z.z.z/1", "ref")
	r = takeDown(t, s, r, "a.b.c/1", "ref")
	wantTakedowns(t, s, r, "1", "2", "3")
	takeDownBlob(t, s, testDID(1), "2", "")
	wantTakedowns(t, s, r, "1", "3")
}
