package storagetest

import (
	"fmt"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

var limitSentences = []sentence{
	{"Documents.PutDocument", "the limit", "[ErrLimit]", testLimit},
	{"Documents.PutDocument", "expired ones don't count", "[ErrLimit]", testLimitExpired},
	{"Documents.PutDocument", "the limit without an owner", "[ErrLimit]", testLimitNoOwner},
	{"Documents.SwapDocument", "no limit", "SwapDocument replaces old by new", testLimitSwap},
}

func testLimit(t *testing.T, s storage.Store) {
	ctx := t.Context()
	one := func(kind string, n, i int) storage.Document { // most of them never expire
		d := forever(kind, fmt.Sprint(n, " ", i), testDID(n))
		if i == 1 {
			d.ExpiresAt = at(100)
		}
		return d
	}
	for i := range 3 {
		store(t, s, one("other kind", 1, i), one("kind", 2, i))
		ok(t, "PutDocument", s.PutDocument(ctx, storage.NewDocument{Document: one("kind", 1, i), Limit: 3}))
	}
	for _, limit := range []int{1, 2, 3} {
		d := storage.NewDocument{Document: one("kind", 1, 5), Limit: limit}
		fails(t, "PutDocument", s.PutDocument(ctx, d), storage.ErrLimit)
		_, err := s.Document(ctx, "kind", d.ID)
		fails(t, "Document", err, storage.ErrNotFound)
	}
	for i, limit := range []int{4, 0, -1} {
		d := storage.NewDocument{Document: one("kind", 1, 6+i), Limit: limit}
		ok(t, "PutDocument", s.PutDocument(ctx, d))
	}
	must(s.TakeDocument(ctx, "kind", "1 0"))(t)
	d := storage.NewDocument{Document: one("kind", 1, 0), Limit: 6}
	ok(t, "PutDocument in the place of one that was taken", s.PutDocument(ctx, d))
	n := must(s.CountDocuments(ctx, storage.DocumentRange{Kind: "kind", Owner: testDID(1)}))(t)
	want(t, "number of documents", n, 6)
}

func testLimitExpired(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i, expires := range []int{1, 2, 3, 4} {
		store(t, s, testDocument("kind", fmt.Sprint(i), testDID(1), expires))
	}
	d := storage.NewDocument{Document: testDocument("kind", "new", testDID(1), 9), Limit: 3}
	d.IssuedAt = at(1) // three are left
	fails(t, "PutDocument", s.PutDocument(ctx, d), storage.ErrLimit)
	d.IssuedAt = at(2) // two are left
	ok(t, "PutDocument", s.PutDocument(ctx, d))
	again := storage.NewDocument{Document: testDocument("kind", "2", testDID(1), 9), Limit: 2}
	again.IssuedAt = at(3) // it takes the place of one that has expired; another one and the new one are left
	fails(t, "PutDocument", s.PutDocument(ctx, again), storage.ErrLimit)
	again.Limit = 3
	ok(t, "PutDocument", s.PutDocument(ctx, again))
}

// testLimitNoOwner: the documents of a kind that have no owner count as if it were one.
func testLimitNoOwner(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range 3 { // which don't count
		store(t, s, forever("kind", fmt.Sprint("owned ", i), testDID(i)), forever("other kind", fmt.Sprint(i), ""))
	}
	store(t, s, testDocument("kind", "expired", "", 1))
	for i := range 3 {
		d := storage.NewDocument{Document: forever("kind", fmt.Sprint(i), ""), Limit: 2}
		d.IssuedAt = at(1)
		if err := s.PutDocument(ctx, d); i < 2 {
			ok(t, "PutDocument", err)
		} else {
			fails(t, "PutDocument", err, storage.ErrLimit)
		}
	}
	_, err := s.Document(ctx, "kind", "2")
	fails(t, "Document", err, storage.ErrNotFound)
	owned := storage.NewDocument{Document: forever("kind", "owned 9", testDID(9)), Limit: 1}
	ok(t, "PutDocument of an account", s.PutDocument(ctx, owned))
}

func testLimitSwap(t *testing.T, s storage.Store) {
	old := testDocument("kind", "id", testDID(1), 9)
	store(t, s, old, testDocument("kind", "id 2", testDID(1), 9))
	new := storage.NewDocument{Document: old, Limit: 1}
	new.Value = []byte("new")
	ok(t, "SwapDocument", s.SwapDocument(t.Context(), old, new))
}
