package storagetest

import (
	"fmt"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var blobSentences = []sentence{
	{"BlobIndex", "what is known", "BlobIndex keeps what is known of blobs.", testPutBlob},
	{"BlobIndex", "two accounts", "BlobIndex keeps what is known of blobs.", testBlobOwners},
	{"BlobIndex.PutBlob", "an upload", "PutBlob records an upload.", testPutBlob},
	{"BlobIndex.PutBlob", "another upload", "If the account has the blob already, just its CreatedAt, and if no record " +
		"refers to it its MIMEType, are set; one that has lost its last reference is temporary again.", testPutBlobAgain},
	{"BlobIndex.PutBlob", "rescue", "one that has lost its last reference is temporary again.",
		func(t *testing.T, s storage.Store) {
			b := testBlob(testDID(1), "blob", 5)
			r := create(t, s, 1)
			ok(t, "PutBlob", s.PutBlob(t.Context(), b))
			r = commit(t, s, r, put("a.b.c/1", "one", b.CID))
			r = commit(t, s, r, del("a.b.c/1"))
			ok(t, "PutBlob again", s.PutBlob(t.Context(), b))
			want(t, "ClaimBlobs", claimed(t, s, at(2)), nil)
			commit(t, s, r, put("a.b.c/1", "one", b.CID))
		}},
	{"BlobIndex.PutBlob", "of what is missing", "PutBlob records an upload.", testPutBlobMissing},
	{"BlobIndex.PutBlob", "conflict", "Error: [ErrConflict] while the blob is about to be deleted.",
		func(t *testing.T, s storage.Store) {
			b := testBlob(testDID(1), "blob", 1)
			ok(t, "PutBlob", s.PutBlob(t.Context(), b))
			want(t, "ClaimBlobs", claimed(t, s, at(2)), blobStrings("blob"))
			fails(t, "PutBlob", s.PutBlob(t.Context(), b), storage.ErrConflict)
			b.DID = testDID(2)
			ok(t, "PutBlob in another account", s.PutBlob(t.Context(), b))
		}},
	{"BlobIndex.Blob", "one blob", "Blob returns a blob that isn't about to be deleted.", testPutBlob},
	{"BlobIndex.Blob", "absent", "Error: [ErrNotFound].", func(t *testing.T, s storage.Store) {
		ok(t, "PutBlob", s.PutBlob(t.Context(), testBlob(testDID(1), "blob", 1)))
		_, err := s.Blob(t.Context(), testDID(1), blobOf("none"))
		fails(t, "Blob", err, storage.ErrNotFound)
		want(t, "ClaimBlobs", claimed(t, s, at(2)), blobStrings("blob"))
		_, err = s.Blob(t.Context(), testDID(1), blobOf("blob"))
		fails(t, "Blob that is about to be deleted", err, storage.ErrNotFound)
	}},
	{"BlobIndex.ListBlobs", "pages", "ListBlobs yields up to limit of the blobs that are referred to by a record whose rev " +
		"is greater than since (\"\" for any), ordered by the strings of their CIDs, from those greater than after (\"\" for " +
		"the first).", testListBlobs},
	{"BlobIndex.ListBlobs", "missing ones", "Blobs that are missing are among them.", testListBlobs},
	{"BlobIndex.ListBlobs", "since", "whose rev is greater than since", testListBlobsSince},
	{"BlobIndex.ListMissingBlobs", "pages", "ListMissingBlobs yields up to limit blobs that records refer to and that the " +
		"account doesn't have, each once, ordered by the strings of their CIDs, from those greater than after.",
		testListMissingBlobs},
	{"BlobIndex.SetBlobTakedown", "set and lifted", "SetBlobTakedown sets or, with \"\", lifts a takedown.", testBlobTakedown},
	{"BlobIndex.SetBlobTakedown", "absent", "Error: [ErrNotFound].", func(t *testing.T, s storage.Store) {
		ok(t, "PutBlob", s.PutBlob(t.Context(), testBlob(testDID(1), "blob", 1)))
		err := s.SetBlobTakedown(t.Context(), testDID(2), blobOf("blob"), "ref")
		fails(t, "SetBlobTakedown", err, storage.ErrNotFound)
	}},
}

func testPutBlob(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	b := storage.Blob{DID: did, CID: blobOf("1"), Size: 1 << 40, MIMEType: "image/png", CreatedAt: at(1)}
	ok(t, "PutBlob", s.PutBlob(ctx, b))
	want(t, "Blob", must(s.Blob(ctx, did, b.CID))(t), b)
	commit(t, s, emptyTree(did), put("a.b.c/1", "one", b.CID))
	b.Referenced = true
	want(t, "Blob", must(s.Blob(ctx, did, b.CID))(t), b)
}

func testBlobOwners(t *testing.T, s storage.Store) {
	ctx := t.Context()
	first, second := testBlob(testDID(1), "blob", 1), testBlob(testDID(2), "blob", 2)
	second.MIMEType = "text/other"
	ok(t, "PutBlob", s.PutBlob(ctx, first))
	_, err := s.Blob(ctx, testDID(2), first.CID)
	fails(t, "Blob of another account", err, storage.ErrNotFound)
	ok(t, "PutBlob", s.PutBlob(ctx, second))
	commit(t, s, emptyTree(testDID(1)), put("a.b.c/1", "one", first.CID))
	ok(t, "SetBlobTakedown", s.SetBlobTakedown(ctx, testDID(1), first.CID, "ref"))
	first.Referenced, first.TakedownRef = true, "ref"
	want(t, "the first", must(s.Blob(ctx, testDID(1), first.CID))(t), first)
	want(t, "the second", must(s.Blob(ctx, testDID(2), first.CID))(t), second)
	want(t, "ClaimBlobs", must(s.ClaimBlobs(ctx, at(9), 9))(t), []storage.BlobID{{DID: testDID(2), CID: first.CID}})
	want(t, "the first", must(s.Blob(ctx, testDID(1), first.CID))(t), first)
}

func testPutBlobAgain(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	b := testBlob(did, "blob", 1)
	ok(t, "PutBlob", s.PutBlob(ctx, b))
	ok(t, "SetBlobTakedown", s.SetBlobTakedown(ctx, did, b.CID, "ref"))
	again := b
	again.CreatedAt, again.MIMEType, again.Size = at(5), "text/other", 999
	ok(t, "PutBlob again", s.PutBlob(ctx, again))
	b.CreatedAt, b.MIMEType, b.TakedownRef = at(5), "text/other", "ref"
	want(t, "Blob", must(s.Blob(ctx, did, b.CID))(t), b)

	commit(t, s, emptyTree(did), put("a.b.c/1", "one", b.CID))
	again.CreatedAt, again.MIMEType = at(7), "text/third"
	ok(t, "PutBlob of one that is referenced", s.PutBlob(ctx, again))
	b.CreatedAt, b.Referenced = at(7), true
	want(t, "Blob", must(s.Blob(ctx, did, b.CID))(t), b)
}

func testPutBlobMissing(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	c, r := emptyTree(did).commit(put("a.b.c/1", "one", blobOf("blob")))
	c.AllowMissingBlobs = true
	must(s.Commit(ctx, c))(t)
	ok(t, "PutBlob", s.PutBlob(ctx, testBlob(did, "blob", 1)))
	want(t, "Referenced", must(s.Blob(ctx, did, blobOf("blob")))(t).Referenced, true)
	want(t, "missing blobs", all(t, "ListMissingBlobs", s.ListMissingBlobs(ctx, did, "", 9)), nil)
	want(t, "blobs to delete", claimed(t, s, at(9)), nil)
	commit(t, s, r, del("a.b.c/1"))
	want(t, "blobs to delete", claimed(t, s, at(0)), blobStrings("blob"))
}

// putBlobs makes records refer to n blobs, of which every third is missing, and returns the tree.
func putBlobs(t testing.TB, s storage.Store, n int) (r *tree, data, missing []string) {
	t.Helper()
	var writes []storage.RecordWrite
	for i := range n {
		d := fmt.Sprint("blob ", i)
		data = append(data, d)
		if i%3 == 0 {
			missing = append(missing, d)
		} else {
			ok(t, "PutBlob", s.PutBlob(t.Context(), testBlob(testDID(1), d, 1)))
		}
		// Each blob is in two records, and each record has two blobs.
		writes = append(writes, put(fmt.Sprintf("a.b.c/%d", i), d, blobOf(d), blobOf(fmt.Sprint("blob ", (i+1)%n))))
	}
	c, r := emptyTree(testDID(1)).commit(writes...)
	c.AllowMissingBlobs = true
	must(s.Commit(t.Context(), c))(t)
	return r, data, missing
}

func testListBlobs(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	_, data, _ := putBlobs(t, s, 40)
	ok(t, "PutBlob", s.PutBlob(ctx, testBlob(did, "temporary", 1)))
	c, _ := emptyTree(testDID(2)).commit(put("a.b.c/1", "one", blobOf("another account's")))
	c.AllowMissingBlobs = true
	must(s.Commit(ctx, c))(t)
	sorted := blobStrings(data...)
	var got []string
	for after := ""; ; {
		page := cidStrings(all(t, "ListBlobs", s.ListBlobs(ctx, did, "", after, 7)))
		if len(page) > 7 {
			t.Fatalf("ListBlobs yields %d, limit 7", len(page))
		}
		if len(page) == 0 {
			break
		}
		got, after = append(got, page...), page[len(page)-1]
	}
	want(t, "all pages of ListBlobs", got, sorted)
	want(t, "ListBlobs", cidStrings(all(t, "ListBlobs", s.ListBlobs(ctx, did, "", "", 99))), sorted)
}

func testListBlobsSince(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	for _, d := range []string{"1", "2", "3", "all"} {
		ok(t, "PutBlob", s.PutBlob(ctx, testBlob(did, d, 1)))
	}
	since := func(r *tree, data ...string) {
		t.Helper()
		listed := all(t, "ListBlobs", s.ListBlobs(ctx, did, r.head.Rev, "", 9))
		want(t, "ListBlobs", cidStrings(listed), blobStrings(data...))
	}
	none := create(t, s, 1)
	first := commit(t, s, none, put("a.b.c/1", "1", blobOf("1"), blobOf("all")))
	second := commit(t, s, first, put("a.b.c/2", "2", blobOf("2"), blobOf("all")))
	third := commit(t, s, second, put("a.b.c/3", "3", blobOf("3")))
	since(none, "1", "2", "3", "all")
	since(first, "2", "3", "all")
	since(second, "3")
	since(third)
	fourth := commit(t, s, third, put("a.b.c/1", "1 again", blobOf("1")), del("a.b.c/2"))
	since(none, "1", "3")
	since(third, "1")
	since(fourth)
}

func testListMissingBlobs(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r, _, missing := putBlobs(t, s, 40)
	list := func(after string, limit int) (got []string) {
		for _, ref := range all(t, "ListMissingBlobs", s.ListMissingBlobs(ctx, did, after, limit)) {
			got = append(got, ref.CID.String())
			var found bool
			for _, c := range r.records[ref.Path].blobs {
				found = found || c == ref.CID
			}
			if !found {
				t.Errorf("ListMissingBlobs yields %s with path %s, which doesn't refer to it", ref.CID, ref.Path)
			}
		}
		return got
	}
	sorted := blobStrings(missing...)
	want(t, "all", list("", 99), sorted)
	want(t, "the first page", list("", 5), sorted[:5])
	want(t, "the second page", list(sorted[4], 5), sorted[5:10])
	want(t, "the last page", list(sorted[9], 5), sorted[10:])
	want(t, "the page after the last", list(sorted[13], 5), nil)
	want(t, "another account's", all(t, "ListMissingBlobs", s.ListMissingBlobs(ctx, testDID(2), "", 9)), nil)
	ok(t, "PutBlob", s.PutBlob(ctx, testBlob(did, missing[0], 1)))
	want(t, "all but one", list("", 99), blobStrings(missing[1:]...))
}

func testBlobTakedown(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	b := testBlob(did, "blob", 1)
	ok(t, "PutBlob", s.PutBlob(ctx, b))
	for _, ref := range []string{"ref", "ref 2", ""} {
		ok(t, "SetBlobTakedown", s.SetBlobTakedown(ctx, did, b.CID, ref))
		b.TakedownRef = ref
		want(t, "Blob", must(s.Blob(ctx, syntax.DID(did), b.CID))(t), b)
	}
}
