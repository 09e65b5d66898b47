package storagetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var collectionSentences = []sentence{
	{"Repos.ListByCollection", "pages", "ListByCollection yields up to limit DIDs of repos that have a record of a " +
		"collection, ordered as strings, from those greater than after (\"\" for the first).", testListByCollection},
	{"Repos.ListByCollection", "the first and the last record", "repos that have a record of a collection",
		testCollectionCommits},
	{"Repos.ListByCollection", "replaced content", "repos that have a record of a collection", testCollectionReplaced},
	{"Repos.ListByCollection", "a failed replacement", "repos that have a record of a collection",
		testCollectionReplaceFails},
	{"Repos.ListByCollection", "a deleted account", "repos that have a record of a collection", testCollectionDeleted},
}

// wantMembers fails the test unless a collection is listed with the n-th DIDs.
func wantMembers(t testing.TB, s storage.Store, collection syntax.NSID, n ...int) {
	t.Helper()
	var dids []syntax.DID
	for _, n := range n {
		dids = append(dids, testDID(n))
	}
	slices.Sort(dids)
	got := all(t, "ListByCollection", s.ListByCollection(t.Context(), collection, "", 1000))
	want(t, "the repos with "+string(collection), got, dids)
}

func testListByCollection(t *testing.T, s storage.Store) {
	ctx := t.Context()
	var members []syntax.DID
	for n := range 30 {
		if n%3 == 0 {
			create(t, s, n, put("a.b.c.d/1", "one"), put("a.b/1", "one"))
			continue
		}
		create(t, s, n, put("a.b.c/1", "one"), put("a.b.c/2", "two"))
		members = append(members, testDID(n))
	}
	slices.Sort(members)
	page := func(after syntax.DID, limit int) []syntax.DID {
		return all(t, "ListByCollection", s.ListByCollection(ctx, "a.b.c", after, limit))
	}
	want(t, "all", page("", 99), members)
	for _, limit := range []int{1, 7, 20} {
		var got []syntax.DID
		for after := syntax.DID(""); ; after = got[len(got)-1] {
			next := page(after, limit)
			if len(next) > limit {
				t.Fatalf("ListByCollection yields %d, limit %d", len(next), limit)
			}
			if len(next) == 0 {
				break
			}
			got = append(got, next...)
		}
		want(t, fmt.Sprint("all pages of ", limit), got, members)
	}
	want(t, "those after one that isn't there", page(members[4]+"0", 2), members[5:7])
	for _, none := range []syntax.NSID{"a", "a.b.c.d.e", "A.b.c", "a.b.c/1", ""} {
		wantMembers(t, s, none)
	}
}

func testCollectionCommits(t *testing.T, s storage.Store) {
	other := create(t, s, 2, put("a.b.c/1", "one"))
	r := create(t, s, 1)
	wantMembers(t, s, "a.b.c", 2)
	r = commit(t, s, r, put("a.b.c/1", "one"), put("a.b.c/2", "two"), put("a.b.c.d/1", "three"))
	wantMembers(t, s, "a.b.c", 1, 2)
	r = commit(t, s, r, put("a.b.c/1", "again"), del("a.b.c/2"), del("a.b.c/none"))
	wantMembers(t, s, "a.b.c", 1, 2)
	r = commit(t, s, r, del("a.b.c/1"), put("a.b.c/3", "moved"))
	wantMembers(t, s, "a.b.c", 1, 2)
	r = commit(t, s, r, put("a.b.c/4", "moved"), del("a.b.c/3"))
	wantMembers(t, s, "a.b.c", 1, 2)
	r = commit(t, s, r, del("a.b.c/4"))
	wantMembers(t, s, "a.b.c", 2)
	wantMembers(t, s, "a.b.c.d", 1)
	commit(t, s, r, del("a.b.c/4"), put("a.b.c/5", "back"))
	commit(t, s, other, del("a.b.c/1"))
	wantMembers(t, s, "a.b.c", 1)
	ok(t, "Check", Check(t.Context(), s))
}

func testCollectionReplaced(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1, put("a.b.c/1", "one"), put("d.e.f/1", "one"))
	c, rows, r := r.replace(put("g.h.i/1", "one"), put("d.e.f/2", "same"), put("j.k.l/1", "same"), put("g.h.i/2", "two"))
	must(s.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
		for _, row := range rows {
			wantMembers(t, s, "a.b.c", 1)
			wantMembers(t, s, "g.h.i")
			if !yield(row, nil) {
				return
			}
		}
	}))(t)
	for collection, members := range map[syntax.NSID][]int{"a.b.c": nil, "d.e.f": {1}, "g.h.i": {1}, "j.k.l": {1}} {
		wantMembers(t, s, collection, members...)
	}
	r = commit(t, s, r, del("g.h.i/1"))
	wantMembers(t, s, "g.h.i", 1)
	commit(t, s, r, del("g.h.i/2"), put("a.b.c/1", "back"))
	wantMembers(t, s, "g.h.i")
	wantMembers(t, s, "a.b.c", 1)
	c, rows, _ = emptyTree(testDID(2)).replace(put("g.h.i/1", "one")) // a repo's first content
	must(s.Replace(ctx, c, rowsOf(rows)))(t)
	wantMembers(t, s, "g.h.i", 2)
}

func testCollectionReplaceFails(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1, put("a.b.c/1", "one"))
	c, rows, _ := r.replace(put("d.e.f/1", "two"))
	_, err := s.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		yield(storage.Row{}, ErrFault)
	})
	fails(t, "Replace", err, ErrFault)
	wantMembers(t, s, "a.b.c", 1)
	wantMembers(t, s, "d.e.f")
}

func testCollectionDeleted(t *testing.T, s storage.Store) {
	create(t, s, 1, put("a.b.c/1", "one"), put("d.e.f/1", "one"))
	create(t, s, 2, put("a.b.c/1", "one"))
	must(s.DeleteAccount(t.Context(), testDID(1)))(t)
	wantMembers(t, s, "a.b.c", 2)
	wantMembers(t, s, "d.e.f")
	create(t, s, 1, put("d.e.f/1", "one"))
	wantMembers(t, s, "a.b.c", 2)
	wantMembers(t, s, "d.e.f", 1)
}
