package storagetest

import (
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

var referenceSentences = []sentence{
	{"Repos.Commit", "a write takes references away",
		"A write takes away the references of the record that was at its path.", testReferencesTaken},
	{"Repos.Commit", "the first and the last reference", "A blob that gains its first reference becomes referenced, one " +
		"that loses its last is queued for deletion (see [BlobIndex]).", testReferencesCounted},
	{"Repos.Commit", "a reference that moves", "one that loses its last is queued for deletion", testReferenceMoves},
}

// wantBlobs fails the test unless these are the blobs that the first account's records refer to, and those of them that
// are there are Referenced.
func wantBlobs(t testing.TB, s storage.Store, data ...string) {
	t.Helper()
	ctx, did := t.Context(), testDID(1)
	refs := all(t, "ListBlobs", s.ListBlobs(ctx, did, storage.BlobRange{}))
	want(t, "ListBlobs", listed(t, s, did, storage.BlobRange{}), blobStrings(data...))
	for _, ref := range refs {
		if b, err := s.Blob(ctx, did, ref.CID); err == nil && !b.Referenced {
			t.Fatalf("blob %s is listed but isn't Referenced", ref.CID)
		}
	}
}

// claimed claims blobs and returns the sorted strings of their CIDs.
func claimed(t testing.TB, s storage.Store, before time.Time) []string {
	t.Helper()
	var data []string
	for _, id := range must(s.ClaimBlobs(t.Context(), before, 100))(t) {
		data = append(data, id.CID.String())
	}
	return sorted(data)
}

func testReferencesTaken(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	for _, data := range []string{"1", "2", "3"} {
		upload(t, s, testBlob(did, data, 9))
	}
	r = commit(t, s, r, put("a.b.c/1", "one", blobOf("1"), blobOf("2")))
	wantBlobs(t, s, "1", "2")
	r = commit(t, s, r, put("a.b.c/1", "one", blobOf("2"), blobOf("3")))
	wantBlobs(t, s, "2", "3")
	want(t, "Referenced", must(s.Blob(ctx, did, blobOf("1")))(t).Referenced, false)
	r = commit(t, s, r, put("a.b.c/1", "one"))
	wantBlobs(t, s)
	r = commit(t, s, r, put("a.b.c/1", "one", blobOf("3")))
	wantBlobs(t, s, "3")
	commit(t, s, r, del("a.b.c/1"))
	wantBlobs(t, s)
	want(t, "blobs to delete", claimed(t, s, at(0)), blobStrings("1", "2", "3"))
}

func testReferencesCounted(t *testing.T, s storage.Store) {
	ctx, did, blob := t.Context(), testDID(1), blobOf("blob")
	r := create(t, s, 1)
	b := testBlob(did, "blob", 9)
	b.Referenced = true // to be ignored
	upload(t, s, b)
	referenced := func() bool { return must(s.Blob(ctx, did, blob))(t).Referenced }
	want(t, "Referenced after the upload", referenced(), false)
	want(t, "blobs to delete", claimed(t, s, at(9)), nil)
	r = commit(t, s, r, put("a.b.c/1", "one", blob))
	want(t, "Referenced by one record", referenced(), true)
	r = commit(t, s, r, put("a.b.c/2", "two", blob))
	want(t, "Referenced by two records", referenced(), true)
	r = commit(t, s, r, del("a.b.c/1"))
	want(t, "Referenced by one record again", referenced(), true)
	want(t, "blobs to delete", claimed(t, s, at(99)), nil)
	r = commit(t, s, r, del("a.b.c/2"))
	want(t, "Referenced by none", referenced(), false)
	r = commit(t, s, r, put("a.b.c/3", "three", blob))
	want(t, "Referenced once more", referenced(), true)
	want(t, "blobs to delete", claimed(t, s, at(99)), nil)
	commit(t, s, r, del("a.b.c/3"))
	want(t, "blobs to delete, new as they are", claimed(t, s, at(0)), blobStrings("blob"))
}

func testReferenceMoves(t *testing.T, s storage.Store) {
	r := create(t, s, 1)
	upload(t, s, testBlob(testDID(1), "blob", 9))
	r = commit(t, s, r, put("a.b.c/2", "one", blobOf("blob")))
	for _, paths := range [][2]string{{"a.b.c/2", "a.b.c/1"}, {"a.b.c/1", "a.b.c/2"}} {
		r = commit(t, s, r, del(paths[0]), put(paths[1], "moved", blobOf("blob")))
		wantBlobs(t, s, "blob")
		r = commit(t, s, r, put(paths[0], "moved back", blobOf("blob")), del(paths[1]))
		wantBlobs(t, s, "blob")
		r = commit(t, s, r, del(paths[0]), put(paths[1], "moved", blobOf("blob")))
		wantBlobs(t, s, "blob")
	}
	commit(t, s, r, put("a.b.c/2", "written again", blobOf("blob")))
	wantBlobs(t, s, "blob")
	want(t, "blobs to delete", claimed(t, s, at(0)), nil)
}
