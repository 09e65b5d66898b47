package storagetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var documentListSentences = []sentence{
	{"Documents.ListDocuments", "by kind, by owner and by both", "ListDocuments yields the documents of a range.",
		testListDocuments},
	{"Documents.ListDocuments", "many", "ListDocuments yields the documents of a range.", testListDocumentsMany},
	{"Documents.ListDocuments", "a range that isn't valid", "Error: that of the range's Validate.", testDocumentRanges},
	{"Documents.CountDocuments", "of each range", "CountDocuments counts the documents of a range.", testListDocuments},
	{"Documents.CountDocuments", "a range that isn't valid", "Error: that of the range's Validate.", testDocumentRanges},
	{"Documents.DeleteDocuments", "of some kinds", "DeleteDocuments removes an account's documents of the given kinds, " +
		"and nothing if none is given: its signing key is a document, too.", testDeleteDocuments},
	{"Documents.DeleteDocuments", "without an owner", "An owner of \"\" removes nothing.", testDeleteNobodys},
	{"Documents.ExpireDocuments", "up to limit", "ExpireDocuments removes up to limit documents whose ExpiresAt is set and " +
		"not after now, and returns how many it removed.", testExpireDocuments},
	{"Documents.ExpireDocuments", "those that never expire", "whose ExpiresAt is set and not after now",
		testExpireForever},
}

// documentOwners are two accounts, and none.
var documentOwners = []syntax.DID{testDID(1), testDID(2), ""}

// putDocuments stores documents of several kinds for documentOwners, six that expire at each of
// at(0) to at(5), and as many that never do, and returns them.
func putDocuments(t testing.TB, s storage.Store) (ds []storage.Document) {
	t.Helper()
	for n, owner := range documentOwners {
		for _, kind := range []string{"kind", "other kind"} {
			for i, id := range []string{"b", "a", "C", "aa", "10", "9"} {
				ds = append(ds, testDocument(kind, fmt.Sprint(id, " ", n), owner, i))
			}
		}
		for _, id := range []string{"b", "a"} {
			ds = append(ds, forever("kin", id+fmt.Sprint(n), owner))
		}
	}
	store(t, s, ds...)
	return ds
}

// documentsIn returns what a range selects, by definition.
func documentsIn(ds []storage.Document, r storage.DocumentRange) []storage.Document {
	ds = slices.Clone(ds)
	slices.SortFunc(ds, func(a, b storage.Document) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
	})
	ds = slices.DeleteFunc(ds, func(d storage.Document) bool {
		return r.Kind != "" && d.Kind != r.Kind || r.Owner != "" && d.Owner != r.Owner || d.ID <= r.After && r.After != ""
	})
	if r.Limit > 0 {
		ds = ds[:min(r.Limit, len(ds))]
	}
	return ds
}

// wantDocuments fails the test unless a range has the documents that it should have of ds.
func wantDocuments(t testing.TB, s storage.Store, ds []storage.Document, r storage.DocumentRange) {
	t.Helper()
	in := documentsIn(ds, r)
	want(t, fmt.Sprintf("ListDocuments in %+v", r), documents(t, s, r), in)
	n := must(s.CountDocuments(t.Context(), r))(t)
	want(t, fmt.Sprintf("CountDocuments in %+v", r), n, int64(len(in)))
}

func testListDocuments(t *testing.T, s storage.Store) {
	ds := putDocuments(t, s)
	for _, owner := range append(documentOwners, testDID(3)) {
		for _, limit := range []int{0, 1, 4, 100} {
			for _, kind := range []string{"kin", "kind", "other kind", "none", "KIND"} {
				for _, after := range []string{"", "0", "9 0", "a 1", "a0", "zz"} {
					r := storage.DocumentRange{Kind: kind, Owner: owner, After: after, Limit: limit}
					wantDocuments(t, s, ds, r)
				}
			}
			if owner != "" {
				wantDocuments(t, s, ds, storage.DocumentRange{Owner: owner, Limit: limit})
			}
		}
	}
}

// testListDocumentsMany lists more documents than a backend fetches at a time, page by page.
func testListDocumentsMany(t *testing.T, s storage.Store) {
	var ds []storage.Document
	for i := range 1200 {
		ds = append(ds, forever("kind", fmt.Sprintf("%05d", i*7919%1200), documentOwners[i%3]))
	}
	store(t, s, ds...)
	for _, r := range []storage.DocumentRange{{Kind: "kind"}, {Kind: "kind", Owner: testDID(1)}, {Owner: testDID(2)}} {
		wantDocuments(t, s, ds, r)
	}
	var got []storage.Document
	r := storage.DocumentRange{Kind: "kind", Limit: 500}
	for page := documents(t, s, r); len(page) > 0; page = documents(t, s, r) {
		got = append(got, page...)
		r.After = page[len(page)-1].ID
	}
	want(t, "all pages", got, documentsIn(ds, storage.DocumentRange{}))
}

func testDeleteDocuments(t *testing.T, s storage.Store) {
	ctx := t.Context()
	ds := putDocuments(t, s)
	remove := func(owner syntax.DID, kinds ...string) {
		t.Helper()
		ok(t, "DeleteDocuments", s.DeleteDocuments(ctx, owner, kinds...))
		ds = slices.DeleteFunc(ds, func(d storage.Document) bool {
			return d.Owner == owner && slices.Contains(kinds, d.Kind)
		})
		for _, kind := range []string{"kin", "kind", "other kind"} {
			wantDocuments(t, s, ds, storage.DocumentRange{Kind: kind})
		}
		for _, owner := range documentOwners[:2] {
			wantDocuments(t, s, ds, storage.DocumentRange{Owner: owner})
		}
	}
	remove(testDID(1), "none")
	remove(testDID(1), "kind")
	remove(testDID(1), "other kind", "kind")
	remove(testDID(3), "kind")
	remove(testDID(2))
	remove(testDID(2), "kind", "other kind", "kin", "none")
	want(t, "number of documents left", len(ds), 2+14)
	_, err := s.Document(ctx, "kind", "a 1")
	fails(t, "Document", err, storage.ErrNotFound)
	want(t, "number of documents that expire", must(s.ExpireDocuments(ctx, at(99), 99))(t), 12)
}

func testDeleteNobodys(t *testing.T, s storage.Store) {
	ds := putDocuments(t, s)
	ok(t, "DeleteDocuments", s.DeleteDocuments(t.Context(), "", "kin", "kind", "other kind"))
	for _, kind := range []string{"kin", "kind", "other kind"} {
		wantDocuments(t, s, ds, storage.DocumentRange{Kind: kind})
	}
	for _, owner := range documentOwners[:2] {
		wantDocuments(t, s, ds, storage.DocumentRange{Owner: owner})
	}
}

func testDocumentRanges(t *testing.T, s storage.Store) {
	ctx := t.Context()
	putDocuments(t, s)
	for _, r := range []storage.DocumentRange{
		{}, {Limit: 1}, {After: "a"}, {After: "a", Limit: 1}, {Owner: testDID(1), After: "a"}, {Owner: testDID(3), After: "a"},
	} {
		ds, err := collect(s.ListDocuments(ctx, r))
		wantInvalid(t, fmt.Sprintf("ListDocuments in %+v", r), len(ds), err)
		n, err := s.CountDocuments(ctx, r)
		wantInvalid(t, fmt.Sprintf("CountDocuments in %+v", r), int(n), err)
	}
}

// wantInvalid fails the test unless a method has refused a range.
func wantInvalid(t *testing.T, what string, n int, err error) {
	t.Helper()
	if err == nil || n > 0 || slices.Contains(sentinels, sentinel(err)) {
		t.Fatalf("%s: %d, error %v, want an error that isn't a sentinel", what, n, err)
	}
}

func testExpireDocuments(t *testing.T, s storage.Store) {
	ds := putDocuments(t, s)
	expire := func(now, limit, n int) {
		t.Helper()
		want(t, "number of documents removed", must(s.ExpireDocuments(t.Context(), at(now), limit))(t), n)
	}
	left := func(now int) {
		t.Helper()
		ds = slices.DeleteFunc(ds, func(d storage.Document) bool {
			return !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(at(now))
		})
		wantDocuments(t, s, ds, storage.DocumentRange{Kind: "kind"})
		wantDocuments(t, s, ds, storage.DocumentRange{Owner: testDID(1)})
	}
	expire(-1, 99, 0)
	expire(0, 99, 6)
	left(0)
	expire(2, 5, 5)
	expire(2, 99, 7)
	left(2)
	expire(2, 99, 0)
	expire(99, 99, 18)
	left(99)
	want(t, "number of documents left", len(ds), 6)
}

func testExpireForever(t *testing.T, s storage.Store) {
	ds := []storage.Document{forever("kind", "id", testDID(1)), forever("kind", "id 2", "")}
	ds[1].IssuedAt = at(1)
	store(t, s, ds...)
	for _, now := range []time.Time{{}, time.Unix(0, 0), at(0), time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)} {
		want(t, "number of documents removed", must(s.ExpireDocuments(t.Context(), now, 99))(t), 0)
		wantDocuments(t, s, ds, storage.DocumentRange{Kind: "kind"})
	}
}
