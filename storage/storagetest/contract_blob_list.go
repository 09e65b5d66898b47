package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var blobListSentences = []sentence{
	{"BlobIndex.ListBlobs", "pages", "ListBlobs yields the blobs of a range, each once.", testListBlobs},
	{"BlobIndex.ListBlobs", "missing ones", "The missing ones are among them.", testListBlobs},
	{"BlobIndex.ListBlobs", "only the missing ones", "ListBlobs yields the blobs of a range", testListMissingBlobs},
	{"BlobIndex.ListBlobs", "since", "ListBlobs yields the blobs of a range", testListBlobsSince},
	{"BlobIndex.ListBlobs", "the least path", "ListBlobs yields the blobs of a range", testListBlobsPaths},
}

// listed returns the strings of the CIDs of the blobs in a range.
func listed(t testing.TB, s storage.Store, did syntax.DID, in storage.BlobRange) []string {
	t.Helper()
	var got []string
	for _, ref := range all(t, "ListBlobs", s.ListBlobs(t.Context(), did, in)) {
		got = append(got, ref.CID.String())
	}
	return got
}

// blobsIn returns what a range selects of a repo, by definition. has says which blobs the account
// has.
func (r *tree) blobsIn(in storage.BlobRange, has func(storage.BlobRef) bool) []storage.BlobRef {
	first := make(map[string]storage.BlobRef)
	for _, e := range r.sortedRecords() {
		for _, c := range e.blobs {
			ref := storage.BlobRef{CID: c, Path: e.Path}
			if _, seen := first[c.String()]; !seen && e.Rev > in.Since && !(in.Missing && has(ref)) {
				first[c.String()] = ref
			}
		}
	}
	var refs []storage.BlobRef
	for s, ref := range first {
		if s > in.After {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, func(a, b storage.BlobRef) int { return strings.Compare(a.CID.String(), b.CID.String()) })
	if in.Limit > 0 {
		refs = refs[:min(in.Limit, len(refs))]
	}
	return refs
}

// putBlobs makes records refer to n blobs, of which every third is missing, and returns the tree.
func putBlobs(t testing.TB, s storage.Store, n int) (r *tree, data, missing []string) {
	t.Helper()
	r = create(t, s, 1)
	var writes []storage.RecordWrite
	for i := range n {
		d := fmt.Sprint("blob ", i)
		data = append(data, d)
		if i%3 == 0 {
			missing = append(missing, d)
		} else {
			upload(t, s, testBlob(testDID(1), d, 1))
		}
		// Each blob is in two records, and each record has two blobs.
		writes = append(writes, put(fmt.Sprintf("a.b.c/%d", i), d, blobOf(d), blobOf(fmt.Sprint("blob ", (i+1)%n))))
	}
	c, r := r.commit(writes...)
	c.AllowMissingBlobs = true
	must(s.Commit(t.Context(), c))(t)
	return r, data, missing
}

func testListBlobs(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	_, data, _ := putBlobs(t, s, 40)
	upload(t, s, testBlob(did, "temporary", 1))
	c, _ := create(t, s, 2).commit(put("a.b.c/1", "one", blobOf("another account's")))
	c.AllowMissingBlobs = true
	must(s.Commit(ctx, c))(t)
	sorted := blobStrings(data...)
	var got []string
	for after := ""; ; {
		page := listed(t, s, did, storage.BlobRange{After: after, Limit: 7})
		if len(page) > 7 {
			t.Fatalf("ListBlobs yields %d, limit 7", len(page))
		}
		if len(page) == 0 {
			break
		}
		got, after = append(got, page...), page[len(page)-1]
	}
	want(t, "all pages of ListBlobs", got, sorted)
	want(t, "ListBlobs", listed(t, s, did, storage.BlobRange{}), sorted)
	want(t, "ListBlobs of no such account", listed(t, s, testDID(3), storage.BlobRange{}), nil)
}

func testListMissingBlobs(t *testing.T, s storage.Store) {
	did := testDID(1)
	_, _, missing := putBlobs(t, s, 40)
	list := func(after string, limit int) []string {
		return listed(t, s, did, storage.BlobRange{Missing: true, After: after, Limit: limit})
	}
	sorted := blobStrings(missing...)
	want(t, "all", list("", 0), sorted)
	want(t, "the first page", list("", 5), sorted[:5])
	want(t, "the second page", list(sorted[4], 5), sorted[5:10])
	want(t, "the last page", list(sorted[9], 5), sorted[10:])
	want(t, "the page after the last", list(sorted[13], 5), nil)
	want(t, "another account's", listed(t, s, testDID(2), storage.BlobRange{Missing: true}), nil)
	upload(t, s, testBlob(did, missing[0], 1))
	want(t, "all but one", list("", 99), blobStrings(missing[1:]...))
}

func testListBlobsSince(t *testing.T, s storage.Store) {
	none := create(t, s, 1)
	for _, d := range []string{"1", "2", "3", "all"} {
		upload(t, s, testBlob(testDID(1), d, 1))
	}
	since := func(r *tree, data ...string) {
		t.Helper()
		want(t, "ListBlobs", listed(t, s, testDID(1), storage.BlobRange{Since: r.head.Rev}), blobStrings(data...))
	}
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

// testListBlobsPaths refers to blobs by several records of several revs.
func testListBlobsPaths(t *testing.T, s storage.Store) {
	r := create(t, s, 1)
	first := r
	upload(t, s, testBlob(testDID(1), "there", 1))
	for i, path := range []string{"a.b.c/3", "d.e.f/1", "a.b.c/1", "a.b.c/2", "d.e.f/0"} {
		c, next := r.commit(put(path, path, blobOf("there"), blobOf("missing"), blobOf(fmt.Sprint("missing ", i/2))))
		c.AllowMissingBlobs = true
		must(s.Commit(t.Context(), c))(t)
		r = next
	}
	has := func(ref storage.BlobRef) bool { return ref.CID == blobOf("there") }
	after := blobStrings("there", "missing")[0]
	for rev := first.commits; rev <= r.commits; rev++ {
		for _, in := range []storage.BlobRange{{}, {Missing: true}, {After: after}, {Limit: 2}} {
			in.Since = testRev(rev)
			got := all(t, "ListBlobs", s.ListBlobs(t.Context(), testDID(1), in))
			want(t, fmt.Sprintf("ListBlobs in %+v", in), got, r.blobsIn(in, has))
		}
	}
}
