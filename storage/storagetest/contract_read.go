package storagetest

import (
	"slices"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

var readSentences = []sentence{
	{"RepoReader", "reads what was committed", "RepoReader reads repos.", func(t *testing.T, s storage.Store) {
		r := create(t, s, 1, put("a.b.c/1", "one"), put("a.b.c/2", "two"), put("d.e.f/1", "three"))
		wantRepo(t, s, r)
	}},
	{"RepoReader.Head", "the newest commit", "Head returns a repo's newest commit.", func(t *testing.T, s storage.Store) {
		r := create(t, s, 1)
		want(t, "Head", must(s.Head(t.Context(), testDID(1)))(t), r.head)
		r = commit(t, s, r, put("a.b.c/1", "one"))
		want(t, "Head", must(s.Head(t.Context(), testDID(1)))(t), r.head)
	}},
	{"RepoReader.Head", "absent", "Error: [ErrNotFound].", func(t *testing.T, s storage.Store) {
		create(t, s, 1)
		_, err := s.Head(t.Context(), testDID(2))
		fails(t, "Head", err, storage.ErrNotFound)
	}},
	{"RepoReader.Blocks", "in the order asked for", "Blocks returns those of the wanted blocks that the repo has now, in " +
		"the order in which they're asked for: nodes of its tree, its records' bytes, and its newest commit.", testBlocks},
	{"RepoReader.Blocks", "missing ones", "Missing ones are left out.", testBlocksMissing},
	{"RepoReader.Blocks", "what the repo had before", "those of the wanted blocks that the repo has now", testBlocksNow},
	{"RepoReader.Blocks", "the greatest rev", "Blocks returns those of the wanted blocks", testBlocksRev},
	{"RepoReader.Record", "one record", "Record returns the record at a path.", testRecord},
	{"RepoReader.Record", "absent", "Error: [ErrNotFound].", func(t *testing.T, s storage.Store) {
		create(t, s, 1, put("a.b.c/1", "one"))
		create(t, s, 2)
		for _, path := range []string{"", "a.b.c", "a.b.c/", "a.b.c/2", "a.b.c/11", "a.b.c/%", "A.b.c/1"} {
			_, err := s.Record(t.Context(), testDID(1), path)
			fails(t, "Record "+path, err, storage.ErrNotFound)
		}
		_, err := s.Record(t.Context(), testDID(2), "a.b.c/1")
		fails(t, "Record of another repo", err, storage.ErrNotFound)
	}},
	{"RepoReader.Collections", "ascending", "Collections returns the collections that have a record, in ascending order.",
		testCollections},
	{"RepoReader.Stats", "counts", "Stats counts a repo's nodes and records.", testStats},
	{"RepoReader.Stats", "absent", "A repo that doesn't exist has none.", func(t *testing.T, s storage.Store) {
		create(t, s, 1)
		want(t, "Stats", must(s.Stats(t.Context(), testDID(2)))(t), storage.RepoStats{})
	}},
}

func testBlocks(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	for _, path := range []string{"a.b.c/1", "a.b.c/2", "d.e.f/1", "g.h.i/1", "a.b.c/3"} {
		r = commit(t, s, r, put(path, path))
	}
	blocks := r.blocks() // of several revs
	for range 2 {
		var cids []cid.Cid
		for _, b := range blocks {
			cids = append(cids, b.CID)
		}
		want(t, "Blocks", must(s.Blocks(ctx, did, cids))(t), blocks)
		slices.Reverse(blocks)
	}
	want(t, "Blocks of nothing", must(s.Blocks(ctx, did, nil))(t), nil)
}

func testBlocksMissing(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1, put("a.b.c/1", "one"))
	other := create(t, s, 2, put("x.y.z/1", "other"))
	ask := []cid.Cid{
		blobOf("none"), r.head.Data, other.head.Data, other.head.Commit, other.records["x.y.z/1"].CID, r.head.Commit,
	}
	blocks := must(s.Blocks(ctx, did, ask))(t)
	var got []cid.Cid
	for _, b := range blocks {
		got = append(got, b.CID)
	}
	want(t, "Blocks", cidStrings(got), cidStrings([]cid.Cid{r.head.Data, r.head.Commit}))
	want(t, "Blocks of no repo", must(s.Blocks(ctx, testDID(3), ask))(t), nil)
}

func testBlocksNow(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	old := create(t, s, 1, put("a.b.c/1", "one"), put("a.b.c/2", "two"), put("d.e.f/1", "three"))
	r := commit(t, s, old, put("a.b.c/1", "new"), del("a.b.c/2"))
	var gone []cid.Cid
	for _, b := range old.blocks() {
		if !slices.Contains(cidsOf(r), b.CID) {
			gone = append(gone, b.CID)
		}
	}
	want(t, "number of blocks that are gone", len(gone), 5) // root, collection, two records and the commit
	want(t, "Blocks", must(s.Blocks(ctx, did, gone))(t), nil)
	wantRepo(t, s, r)
}

// testBlocksRev has records of the same bytes that were written at different times.
func testBlocksRev(t *testing.T, s storage.Store) {
	r := create(t, s, 1, put("a.b.c/2", "same"))
	r = commit(t, s, r, put("a.b.c/1", "same"))
	r = commit(t, s, r, put("a.b.c/3", "same"), put("a.b.c/4", "other"))
	wantRepo(t, s, r)
	r = commit(t, s, r, del("a.b.c/3"))
	wantRepo(t, s, r)
	r = commit(t, s, r, del("a.b.c/1"))
	wantRepo(t, s, r)
	wantRepo(t, s, commit(t, s, r, put("a.b.c/9", "same"), put("a.b.c/0", "same")))
}

func testRecord(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1, put("a.b.c/1", "one"))
	create(t, s, 2, put("a.b.c/1", "another account's"))
	first := r.records["a.b.c/1"].Record
	want(t, "Record", must(s.Record(ctx, did, "a.b.c/1"))(t), first)
	r = commit(t, s, r, put("a.b.c/2", "two"))
	want(t, "Record after another was written", must(s.Record(ctx, did, "a.b.c/1"))(t), first)
	r = commit(t, s, r, put("a.b.c/1", "new"))
	want(t, "Record after it was written again", must(s.Record(ctx, did, "a.b.c/1"))(t), r.records["a.b.c/1"].Record)
}

func testCollections(t *testing.T, s storage.Store) {
	// In the order of paths "a.b.c-d/1" and "a.b.c.d/1" come before "a.b.c/1".
	r := create(t, s, 1, putAll([]string{"a.b.c/1", "a.b.c/2", "a.b.c.d/1", "a.b.c-d/1", "a.b.cd/1"})...)
	wantRepo(t, s, r)
	r = commit(t, s, r, del("a.b.c.d/1"), del("a.b.c/1"))
	wantRepo(t, s, r)
}

func testStats(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1)
	want(t, "Stats", must(s.Stats(ctx, testDID(1)))(t), storage.RepoStats{Nodes: 1})
	commit(t, s, r, put("a.b.c/1", "one"), put("a.b.c/2", "two"), put("d.e.f/1", "three"))
	create(t, s, 2, put("a.b.c/1", "one"))
	want(t, "Stats", must(s.Stats(ctx, testDID(1)))(t), storage.RepoStats{Nodes: 3, Records: 3})
}
