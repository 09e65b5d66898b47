package storagetest

import (
	"testing"

	"github.com/pdskit/pdskit/storage"
)

var claimSentences = []sentence{
	{"BlobIndex", "deletion in three steps", "The bytes of one that has been unreferenced for long enough are deleted in " +
		"three steps that can be taken again after a crash: ClaimBlobs marks it, the caller deletes the bytes, and RemoveBlob " +
		"removes the mark.", testClaimSteps},
	{"BlobIndex", "temporary until a commit", "A blob is temporary until a commit refers to it.", testClaimTemporary},
	{"BlobIndex", "while it is marked",
		"While it is marked, a blob can be neither referred to nor uploaded again.", testClaimSteps},
	{"BlobIndex.ClaimBlobs", "old temporary ones", "ClaimBlobs marks up to limit blobs as about to be deleted, and returns " +
		"them: those that are temporary and were uploaded before a time, and those that have lost their last reference.",
		testClaimTemporary},
	{"BlobIndex.ClaimBlobs", "limit", "ClaimBlobs marks up to limit blobs as about to be deleted", testClaimLimit},
	{"BlobIndex.ClaimBlobs", "again", "Blobs that are marked already are returned again.", testClaimSteps},
	{"BlobIndex.ClaimBlobs", "taken down", "A blob that is taken down is kept, so that it can't be uploaded anew, " +
		"unless its account was deleted.", testClaimTakedown},
	{"BlobIndex.RemoveBlob", "marked ones only", "RemoveBlob removes a blob that is marked; one that isn't stays.",
		testRemoveBlob},
	{"BlobIndex.RemoveBlob", "idempotent", "It is idempotent.", testRemoveBlob},
	{"BlobIndex.RemoveBlob", "of a deleted account", "The blobs of a deleted account are marked from the deletion on, so " +
		"it removes them even before ClaimBlobs has returned them.", testRemoveDeleted},
}

func testClaimSteps(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	b := testBlob(did, "blob", 1)
	upload(t, s, b)
	for range 3 { // whatever the time is, once it's marked
		want(t, "ClaimBlobs", claimed(t, s, at(2)), blobStrings("blob"))
		want(t, "ClaimBlobs", claimed(t, s, at(0)), blobStrings("blob"))
	}
	_, err := s.Blob(ctx, did, b.CID)
	fails(t, "Blob", err, storage.ErrNotFound)
	fails(t, "PutBlob", s.PutBlob(ctx, b, nil), storage.ErrConflict)
	c, next := r.commit(put("a.b.c/1", "one", b.CID))
	_, err = s.Commit(ctx, c)
	fails(t, "Commit", err, storage.ErrNotFound)
	ok(t, "RemoveBlob", s.RemoveBlob(ctx, storage.BlobID{DID: did, CID: b.CID}))
	want(t, "ClaimBlobs", claimed(t, s, at(9)), nil)
	_, err = s.Commit(ctx, c)
	fails(t, "Commit", err, storage.ErrNotFound)
	upload(t, s, b)
	want(t, "Blob", must(s.Blob(ctx, did, b.CID))(t), b)
	must(s.Commit(ctx, c))(t)
	wantRepo(t, s, next)
	wantBlobs(t, s, "blob")
}

func testClaimTemporary(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	for i, data := range []string{"0", "1", "2", "3", "4"} {
		upload(t, s, testBlob(did, data, i))
	}
	ok(t, "PutBlob again", s.PutBlob(ctx, testBlob(did, "1", 5), nil)) // its age is that of the newest upload
	r = commit(t, s, r, put("a.b.c/0", "0", blobOf("0")), put("a.b.c/4", "4", blobOf("4")))
	want(t, "ClaimBlobs", claimed(t, s, at(0)), nil)
	want(t, "ClaimBlobs", claimed(t, s, at(2)), nil) // at(2) isn't before at(2)
	want(t, "ClaimBlobs", claimed(t, s, at(3)), blobStrings("2"))
	ok(t, "RemoveBlob", s.RemoveBlob(ctx, storage.BlobID{DID: did, CID: blobOf("2")}))
	commit(t, s, r, del("a.b.c/4"))
	want(t, "ClaimBlobs", claimed(t, s, at(3)), blobStrings("4"))
	want(t, "ClaimBlobs", claimed(t, s, at(9)), blobStrings("1", "3", "4"))
	want(t, "the one that is referenced", must(s.Blob(ctx, did, blobOf("0")))(t).Referenced, true)
}

func testClaimLimit(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create(t, s, 1)
	for _, data := range []string{"0", "1", "2", "3", "4"} {
		upload(t, s, testBlob(testDID(1), data, 1))
	}
	var got []string
	for _, n := range []int{2, 2, 1, 0} {
		ids := must(s.ClaimBlobs(ctx, at(2), 2))(t)
		want(t, "number of blobs", len(ids), n)
		for _, id := range ids {
			got = append(got, id.CID.String())
			ok(t, "RemoveBlob", s.RemoveBlob(ctx, id))
		}
		var rest int
		for _, data := range []string{"0", "1", "2", "3", "4"} {
			if _, err := s.Blob(ctx, testDID(1), blobOf(data)); err == nil {
				rest++
			}
		}
		want(t, "number of blobs that aren't marked", rest, 5-len(got))
	}
	want(t, "all", sorted(got), blobStrings("0", "1", "2", "3", "4"))
}

func testClaimTakedown(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	for _, data := range []string{"temporary", "lost"} {
		upload(t, s, testBlob(did, data, 1))
		takeDownBlob(t, s, did, data, "ref")
	}
	r = commit(t, s, r, put("a.b.c/1", "one", blobOf("lost")))
	commit(t, s, r, del("a.b.c/1"))
	want(t, "ClaimBlobs", claimed(t, s, at(9)), nil)
	for _, data := range []string{"temporary", "lost"} {
		want(t, "Blob", must(s.Blob(ctx, did, blobOf(data)))(t).TakedownRef, "ref")
	}
	takeDownBlob(t, s, did, "lost", "")
	want(t, "ClaimBlobs after a takedown is lifted", claimed(t, s, at(9)), blobStrings("lost"))
	must(s.DeleteAccount(ctx, did))(t)
	want(t, "ClaimBlobs after the account is deleted", claimed(t, s, at(9)), blobStrings("lost", "temporary"))
}

func testRemoveDeleted(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	for _, data := range []string{"temporary", "referenced", "taken down", "left"} {
		upload(t, s, testBlob(did, data, 5))
	}
	commit(t, s, r, put("a.b.c/1", "one", blobOf("referenced")))
	takeDownBlob(t, s, did, "taken down", "ref")
	must(s.DeleteAccount(ctx, did))(t)
	for _, data := range []string{"temporary", "referenced", "taken down"} {
		ok(t, "RemoveBlob", s.RemoveBlob(ctx, storage.BlobID{DID: did, CID: blobOf(data)}))
	}
	want(t, "ClaimBlobs", claimed(t, s, at(0)), blobStrings("left"))
	create(t, s, 1)
	for _, data := range []string{"temporary", "referenced", "taken down"} { // as if they had never been there
		upload(t, s, testBlob(did, data, 6))
		want(t, "Blob", must(s.Blob(ctx, did, blobOf(data)))(t), testBlob(did, data, 6))
	}
}

func testRemoveBlob(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	create(t, s, 1)
	for _, data := range []string{"temporary", "referenced"} {
		b := testBlob(did, data, 5)
		upload(t, s, b)
	}
	id := storage.BlobID{DID: did, CID: blobOf("temporary")}
	ok(t, "RemoveBlob of one that isn't marked", s.RemoveBlob(ctx, id))
	want(t, "Blob", must(s.Blob(ctx, did, id.CID))(t), testBlob(did, "temporary", 5))
	want(t, "ClaimBlobs", len(claimed(t, s, at(9))), 2)
	for range 2 {
		ok(t, "RemoveBlob", s.RemoveBlob(ctx, id))
		want(t, "ClaimBlobs", claimed(t, s, at(0)), blobStrings("referenced"))
	}
}
