package storagetest

import (
	"fmt"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var takedownListSentences = []sentence{
	{"Repos.ListRecordTakedowns", "by path", "ListRecordTakedowns yields the records of a repo that are taken down, ordered " +
		"by their paths.", testListRecordTakedowns},
	{"BlobIndex.ListBlobTakedowns", "by CID", "ListBlobTakedowns yields an account's blobs that are taken down, ordered by " +
		"the strings of their CIDs.", testListBlobTakedowns},
}

// wantTakedowns fails the test unless exactly the records of r that are taken down are listed as such.
func wantTakedowns(t testing.TB, s storage.Store, r *tree) {
	t.Helper()
	var down []storage.Record
	for _, e := range r.sortedRecords() {
		if e.TakedownRef != "" {
			down = append(down, e.Record)
		}
	}
	want(t, "ListRecordTakedowns", all(t, "ListRecordTakedowns", s.ListRecordTakedowns(t.Context(), r.head.DID)), down)
}

// wantBlobTakedowns fails the test unless exactly blobs with such bytes are listed as taken down.
func wantBlobTakedowns(t testing.TB, s storage.Store, did syntax.DID, data ...string) {
	t.Helper()
	var got []string
	for _, b := range all(t, "ListBlobTakedowns", s.ListBlobTakedowns(t.Context(), did)) {
		got = append(got, b.CID.String())
		want(t, "a blob that is taken down", b, must(s.Blob(t.Context(), did, b.CID))(t))
	}
	want(t, "ListBlobTakedowns", got, blobStrings(data...))
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
	want(t, "another repo's", all(t, "ListRecordTakedowns", s.ListRecordTakedowns(t.Context(), other.head.DID)), nil)
	must(s.DeleteAccount(t.Context(), testDID(1)))(t)
	wantTakedowns(t, s, create(t, s, 1, put("a.b.c/1", "1")))
}

func testListBlobTakedowns(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	create(t, s, 2)
	var data []string
	for i := range 20 {
		data = append(data, fmt.Sprint("blob ", i))
		ok(t, "PutBlob", s.PutBlob(ctx, testBlob(did, data[i], i)))
		ok(t, "PutBlob", s.PutBlob(ctx, testBlob(testDID(2), data[i], i)))
	}
	for i, d := range data[5:] {
		ok(t, "SetBlobTakedown", s.SetBlobTakedown(ctx, did, blobOf(d), fmt.Sprint("ref ", i)))
	}
	wantBlobTakedowns(t, s, did, data[5:]...)
	r = commit(t, s, r, put("a.b.c/1", "one", blobOf(data[5]), blobOf(data[6])))
	wantBlobTakedowns(t, s, did, data[5:]...)
	commit(t, s, r, del("a.b.c/1"))
	wantBlobTakedowns(t, s, did, data[5:]...)
	ok(t, "SetBlobTakedown", s.SetBlobTakedown(ctx, did, blobOf(data[6]), ""))
	ok(t, "SetBlobTakedown", s.SetBlobTakedown(ctx, did, blobOf(data[5]), "other"))
	wantBlobTakedowns(t, s, did, append([]string{data[5]}, data[7:]...)...)
	want(t, "blobs to delete", len(must(s.ClaimBlobs(ctx, at(99), 99))(t)), 5+1+20)
	wantBlobTakedowns(t, s, did, append([]string{data[5]}, data[7:]...)...)
	wantBlobTakedowns(t, s, testDID(2))
	must(s.DeleteAccount(ctx, did))(t)
	wantBlobTakedowns(t, s, did)
}
