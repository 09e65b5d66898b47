package storagetest

import (
	"testing"

	"github.com/pdskit/pdskit/storage"
)

var blobSentences = []sentence{
	{"BlobIndex", "what is known", "BlobIndex keeps what is known of blobs.", testPutBlob},
	{"BlobIndex", "two accounts", "BlobIndex keeps what is known of blobs.", testBlobOwners},
	{"BlobIndex.PutBlob", "an upload", "PutBlob records an upload.", testPutBlob},
	{"BlobIndex.PutBlob", "another upload", "If the account has the blob already, just its CreatedAt, and if no record " +
		"refers to it its MIMEType, are set; one that has lost its last reference is temporary again.", testPutBlobAgain},
	{"BlobIndex.PutBlob", "rescue", "one that has lost its last reference is temporary again.", testPutBlobRescue},
	{"BlobIndex.PutBlob", "of what is missing", "PutBlob records an upload.", testPutBlobMissing},
	{"BlobIndex.PutBlob", "no account", "[ErrNotFound] if there is no such account", testPutBlobNoAccount},
	{"BlobIndex.PutBlob", "conflict", "[ErrConflict] while the blob is about to be deleted", testPutBlobConflict},
	{"BlobIndex.PutBlob", "of a deleted account", "[ErrConflict] while the blob is about to be deleted, as are those of a " +
		"deleted account.", testBlobsOfDeleted},
	{"BlobIndex.Blob", "one blob", "Blob returns a blob that isn't about to be deleted.", testPutBlob},
	{"BlobIndex.Blob", "absent", "Error: [ErrNotFound]", func(t *testing.T, s storage.Store) {
		create(t, s, 1)
		upload(t, s, testBlob(testDID(1), "blob", 1))
		_, err := s.Blob(t.Context(), testDID(1), blobOf("none"))
		fails(t, "Blob", err, storage.ErrNotFound)
		want(t, "ClaimBlobs", claimed(t, s, at(2)), blobStrings("blob"))
		_, err = s.Blob(t.Context(), testDID(1), blobOf("blob"))
		fails(t, "Blob that is about to be deleted", err, storage.ErrNotFound)
	}},
	{"BlobIndex.Blob", "of a deleted account", "Error: [ErrNotFound], also for the blobs of a deleted account, claimed or " +
		"not yet.", testBlobsOfDeleted},
}

func testPutBlob(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	b := storage.Blob{DID: did, CID: blobOf("1"), Size: 1 << 40, MIMEType: "image/png", CreatedAt: at(1)}
	upload(t, s, b)
	want(t, "Blob", must(s.Blob(ctx, did, b.CID))(t), b)
	commit(t, s, r, put("a.b.c/1", "one", b.CID))
	b.Referenced = true
	want(t, "Blob", must(s.Blob(ctx, did, b.CID))(t), b)
}

func testBlobOwners(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1)
	create(t, s, 2)
	first, second := testBlob(testDID(1), "blob", 1), testBlob(testDID(2), "blob", 2)
	second.MIMEType = "text/other"
	upload(t, s, first)
	_, err := s.Blob(ctx, testDID(2), first.CID)
	fails(t, "Blob of another account", err, storage.ErrNotFound)
	upload(t, s, second)
	commit(t, s, r, put("a.b.c/1", "one", first.CID))
	takeDownBlob(t, s, testDID(1), "blob", "ref")
	first.Referenced, first.TakedownRef = true, "ref"
	want(t, "the first", must(s.Blob(ctx, testDID(1), first.CID))(t), first)
	want(t, "the second", must(s.Blob(ctx, testDID(2), first.CID))(t), second)
	want(t, "ClaimBlobs", must(s.ClaimBlobs(ctx, at(9), 9))(t), []storage.BlobID{{DID: testDID(2), CID: first.CID}})
	want(t, "the first", must(s.Blob(ctx, testDID(1), first.CID))(t), first)
}

func testPutBlobAgain(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	b := testBlob(did, "blob", 1)
	upload(t, s, b)
	takeDownBlob(t, s, did, "blob", "ref")
	again := b
	again.CreatedAt, again.MIMEType, again.Size = at(5), "text/other", 999
	upload(t, s, again)
	b.CreatedAt, b.MIMEType, b.TakedownRef = at(5), "text/other", "ref"
	want(t, "Blob", must(s.Blob(ctx, did, b.CID))(t), b)

	commit(t, s, r, put("a.b.c/1", "one", b.CID))
	again.CreatedAt, again.MIMEType = at(7), "text/third"
	upload(t, s, again)
	b.CreatedAt, b.Referenced = at(7), true
	want(t, "Blob", must(s.Blob(ctx, did, b.CID))(t), b)
}

func testPutBlobRescue(t *testing.T, s storage.Store) {
	b := testBlob(testDID(1), "blob", 5)
	r := create(t, s, 1)
	upload(t, s, b)
	r = commit(t, s, r, put("a.b.c/1", "one", b.CID))
	r = commit(t, s, r, del("a.b.c/1"))
	upload(t, s, b)
	want(t, "ClaimBlobs", claimed(t, s, at(2)), nil)
	commit(t, s, r, put("a.b.c/1", "one", b.CID))
}

func testPutBlobMissing(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	c, r := create(t, s, 1).commit(put("a.b.c/1", "one", blobOf("blob")))
	c.AllowMissingBlobs = true
	must(s.Commit(ctx, c))(t)
	upload(t, s, testBlob(did, "blob", 1))
	want(t, "Referenced", must(s.Blob(ctx, did, blobOf("blob")))(t).Referenced, true)
	want(t, "missing blobs", listed(t, s, did, storage.BlobRange{Missing: true}), nil)
	want(t, "blobs to delete", claimed(t, s, at(9)), nil)
	commit(t, s, r, del("a.b.c/1"))
	want(t, "blobs to delete", claimed(t, s, at(0)), blobStrings("blob"))
}

func testPutBlobNoAccount(t *testing.T, s storage.Store) {
	ctx := t.Context()
	commit(t, s, emptyTree(testDID(1))) // a repo is no account
	create(t, s, 2)
	for n := range 2 {
		b := testBlob(testDID(n), "blob", 1)
		fails(t, "PutBlob", s.PutBlob(ctx, b, nil), storage.ErrNotFound)
		_, err := s.Blob(ctx, b.DID, b.CID)
		fails(t, "Blob", err, storage.ErrNotFound)
	}
	want(t, "blobs to delete", claimed(t, s, at(9)), nil)
}

func testPutBlobConflict(t *testing.T, s storage.Store) {
	create(t, s, 1)
	create(t, s, 2)
	b := testBlob(testDID(1), "blob", 1)
	upload(t, s, b)
	want(t, "ClaimBlobs", claimed(t, s, at(2)), blobStrings("blob"))
	fails(t, "PutBlob", s.PutBlob(t.Context(), b, nil), storage.ErrConflict)
	b.DID = testDID(2)
	upload(t, s, b)
}

// testBlobsOfDeleted looks at the blobs of a deleted account before they are claimed and after
// that, while there is no such account and when there is one again.
func testBlobsOfDeleted(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	for _, data := range []string{"referenced", "temporary", "taken down"} {
		upload(t, s, testBlob(did, data, 1))
	}
	commit(t, s, r, put("a.b.c/1", "one", blobOf("referenced")))
	takeDownBlob(t, s, did, "taken down", "ref")
	must(s.DeleteAccount(ctx, did))(t)
	all := []string{"referenced", "temporary", "taken down"}
	gone := func(upload error) {
		t.Helper()
		for _, data := range all {
			_, err := s.Blob(ctx, did, blobOf(data))
			fails(t, "Blob", err, storage.ErrNotFound)
			fails(t, "PutBlob", s.PutBlob(ctx, testBlob(did, data, 1), nil), upload)
			err = s.SetTakedown(ctx, storage.Takedown{DID: did, Blob: blobOf(data), Ref: "ref"})
			fails(t, "SetTakedown", err, storage.ErrNotFound)
		}
		wantTakedowns(t, s, emptyTree(did))
	}
	gone(storage.ErrNotFound)
	r = create(t, s, 1)
	gone(storage.ErrConflict)
	c, _ := r.commit(put("a.b.c/1", "one", blobOf("referenced")))
	_, err := s.Commit(ctx, c)
	fails(t, "Commit that refers to it", err, storage.ErrNotFound)
	want(t, "blobs to delete", claimed(t, s, at(0)), blobStrings(all...))
	gone(storage.ErrConflict)
	for _, data := range all {
		ok(t, "RemoveBlob", s.RemoveBlob(ctx, storage.BlobID{DID: did, CID: blobOf(data)}))
		upload(t, s, testBlob(did, data, 1))
		want(t, "Blob", must(s.Blob(ctx, did, blobOf(data)))(t), testBlob(did, data, 1))
	}
	want(t, "blobs to delete", claimed(t, s, at(0)), nil)
}
