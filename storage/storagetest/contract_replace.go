package storagetest

import (
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

var replaceSentences = []sentence{
	{"Repos.Replace", "the whole content", "Replace does what Commit does, but to a repo whose whole content becomes that of " +
		"rows.", testReplace},
	{"Repos.Replace", "the first content", "Replace does what Commit does", testReplaceFirst},
	{"Repos.Replace", "blobs", "The commit's NewNodes, DropNodes and Writes are empty, and AllowMissingBlobs is taken as set.",
		testReplaceBlobs},
	{"Repos.Replace", "unseen until it returns", "Until it returns nil, readers see the old content", testReplaceUnseen},
	{"Repos.Replace", "rows fail", "if rows yields an error, that error is returned and nothing has changed.",
		testReplaceFails},
	{"Repos.Replace", "the head moves meanwhile", "Error, beside those of Commit", testReplaceConflict},
	{"Repos.Replace", "rows in any order", "Rows come in any order, each node and each path once.", testReplaceOrder},
	{"Repos.Replace", "all get the rev of the head", "All get the rev of Head, whatever their own says.", testReplaceRevs},
	{"Repos.Replace", "an empty record", "A record whose Bytes are nil, not merely empty", testReplaceEmpty},
	{"Repos.Replace", "records with the same bytes", "A record whose Bytes are nil, not merely empty, has the CID of an " +
		"earlier row's record, and gets its bytes, blob references and subject.", testReplaceSame},
	{"Repos.Replace", "no earlier row", "[ErrNotFound] if there is no such earlier row.", testReplaceNoEarlier},
}

// rowsOf yields rows.
func rowsOf(rows []storage.Row) iter.Seq2[storage.Row, error] {
	return func(yield func(storage.Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func testReplace(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	old := create(t, s, 1, put("a.b.c/1", "one"), put("a.b.c/2", "two"), put("d.e.f/1", "three"))
	other := create(t, s, 2, put("a.b.c/1", "one"))
	log := events(t, s)
	// One record and one collection stay as they are, which doesn't show in their revs.
	c, rows, next := old.replace(put("d.e.f/1", "three"), put("a.b.c/1", "new"), put("x.y.z/1", "four"))
	c.Events = append(c.Events, testEvent(did, storage.EventSync, 9))
	seq := must(s.Replace(ctx, c, rowsOf(rows)))(t)
	wantRepo(t, s, next)
	wantRepo(t, s, other)
	want(t, "the old commit", must(s.Blocks(ctx, did, cidsOf(old)[:1]))(t), nil)
	after := events(t, s)
	want(t, "the log", kinds(after), append(kinds(log), kinds(c.Events)...))
	want(t, "the number", seq, after[len(after)-1].Seq)

	next = commit(t, s, next, put("a.b.c/1", "newer"), del("x.y.z/1"))
	wantRepo(t, s, next)
	ok(t, "Check", Check(ctx, s))
	c, rows, next = next.replace() // nothing but a root
	c.Events = nil
	want(t, "the number without events", must(s.Replace(ctx, c, rowsOf(rows)))(t), 0)
	wantRepo(t, s, next)
}

func testReplaceFirst(t *testing.T, s storage.Store) {
	c, rows, r := emptyTree(testDID(1)).replace(put("a.b.c/1", "one"))
	must(s.Replace(t.Context(), c, rowsOf(rows)))(t)
	wantRepo(t, s, r)
	_, err := s.Replace(t.Context(), c, rowsOf(rows))
	fails(t, "Replace again", err, storage.ErrConflict)
	wantRepo(t, s, r)
}

func testReplaceBlobs(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	old := create(t, s, 1)
	for _, data := range []string{"lost", "kept", "gained"} {
		upload(t, s, testBlob(did, data, 9))
	}
	old = commit(t, s, old, put("a.b.c/1", "one", blobOf("lost"), blobOf("kept")))
	c, rows, next := old.replace(put("a.b.c/2", "two", blobOf("kept"), blobOf("gained"), blobOf("missing")))
	must(s.Replace(ctx, c, rowsOf(rows)))(t)
	wantRepo(t, s, next)
	wantBlobs(t, s, "kept", "gained", "missing")
	missing := all(t, "ListBlobs", s.ListBlobs(ctx, did, storage.BlobRange{Missing: true}))
	want(t, "missing blobs", missing, []storage.BlobRef{{CID: blobOf("missing"), Path: "a.b.c/2"}})
	want(t, "blobs to delete", claimed(t, s, at(0)), blobStrings("lost"))
}

func testReplaceUnseen(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old := create(t, s, 1, put("a.b.c/1", "one"), put("a.b.c/2", "two"))
	log := events(t, s)
	c, rows, next := old.replace(put("a.b.c/1", "new"), put("d.e.f/1", "new"))
	look := func(yield func(storage.Row, error) bool) {
		for _, r := range rows {
			wantRepo(t, s, old)
			if !yield(r, nil) {
				return
			}
		}
		wantRepo(t, s, old)
		want(t, "the log", events(t, s), log)
	}
	must(s.Replace(ctx, c, look))(t)
	wantRepo(t, s, next)
}

func testReplaceFails(t *testing.T, s storage.Store) {
	ctx, own := t.Context(), errors.New("rows' own")
	old := create(t, s, 1, put("a.b.c/1", "one"), put("a.b.c/2", "two"))
	log := events(t, s)
	c, rows, _ := old.replace(put("a.b.c/1", "new", blobOf("missing")), put("d.e.f/1", "new"))
	for n := range rows {
		_, err := s.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
			for _, r := range rows[:n] {
				if !yield(r, nil) {
					return
				}
			}
			yield(storage.Row{}, own)
		})
		fails(t, "Replace", err, own)
		wantRepo(t, s, old)
		want(t, "the log", events(t, s), log)
		wantBlobs(t, s)
	}
	// What was left behind isn't in the way of the next one.
	c, rows, next := old.replace(put("a.b.c/1", "newer"), put("x.y.z/1", "new"))
	must(s.Replace(ctx, c, rowsOf(rows)))(t)
	wantRepo(t, s, next)
}

func testReplaceConflict(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1, put("a.b.c/1", "one"))
	c, rows, _ := r.replace(put("a.b.c/1", "new"), put("a.b.c/2", "new", blobOf("missing")))
	first := true
	_, err := s.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
		for _, row := range rows {
			if first {
				first, r = false, commit(t, s, r, put("a.b.c/3", "meanwhile"))
			}
			if !yield(row, nil) {
				return
			}
		}
	})
	fails(t, "Replace", err, storage.ErrConflict)
	wantRepo(t, s, r)
	wantBlobs(t, s)
	c, rows, next := r.replace(put("a.b.c/1", "newer"))
	must(s.Replace(ctx, c, rowsOf(rows)))(t)
	wantRepo(t, s, next)
}

func testReplaceOrder(t *testing.T, s storage.Store) {
	r := create(t, s, 1)
	for i := range 4 {
		c, rows, next := r.replace(put("a.b.c/1", fmt.Sprint(i)), put("d.e.f/1", "two"), put("g.h.i/1", "three"),
			put("b.c.d/2", "four"))
		n := len(rows)
		for j := range rows { // each i is another order
			k := (j*(2*i+3) + i) % n
			rows[j], rows[k] = rows[k], rows[j]
		}
		must(s.Replace(t.Context(), c, rowsOf(rows)))(t)
		wantRepo(t, s, next)
		r = next
	}
}

func testReplaceRevs(t *testing.T, s storage.Store) {
	r := create(t, s, 1, put("a.b.c/1", "one"))
	c, rows, next := r.replace(put("a.b.c/1", "one"), put("d.e.f/1", "two"))
	for i, row := range rows {
		if row.Node != nil {
			row.Node.Rev = testRev(999 * (i % 2)) // greater or less
		}
	}
	must(s.Replace(t.Context(), c, rowsOf(rows)))(t)
	wantRepo(t, s, next)
}

func testReplaceEmpty(t *testing.T, s storage.Store) {
	empty := storage.RecordWrite{Path: "a.b.c/1", CID: testCID(cid.DagCBOR, nil), Bytes: []byte{}}
	c, rows, next := create(t, s, 1).replace(empty, put("a.b.c/2", "two"))
	must(s.Replace(t.Context(), c, rowsOf(rows)))(t)
	wantRepo(t, s, next)
}

func testReplaceSame(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	old := create(t, s, 1)
	upload(t, s, testBlob(did, "blob", 9))
	c, rows, r := old.replace(put("a.b.c/1", "same", blobOf("blob")), put("a.b.c/2", "other"),
		put("a.b.c/3", "same", blobOf("blob")), put("d.e.f/1", "same", blobOf("blob")))
	must(s.Replace(ctx, c, rowsOf(rows)))(t)
	wantRepo(t, s, r)
	r = commit(t, s, r, del("a.b.c/1"))
	r = commit(t, s, r, del("d.e.f/1"))
	wantRepo(t, s, r)
	wantBlobs(t, s, "blob")
	want(t, "Blocks", must(s.Blocks(ctx, did, cidsOf(r)))(t), r.blocks())
	commit(t, s, r, del("a.b.c/3"))
	wantBlobs(t, s)
}

func testReplaceNoEarlier(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old := create(t, s, 1, put("a.b.c/1", "one"))
	log := events(t, s)
	c, rows, _ := old.replace(put("a.b.c/1", "one"), put("a.b.c/2", "same"), put("a.b.c/3", "same"))
	var later []storage.Row // the one without bytes before the one with them
	for _, r := range rows {
		if r.Record != nil && r.Record.Bytes == nil {
			later = append([]storage.Row{r}, later...)
		} else {
			later = append(later, r)
		}
	}
	_, err := s.Replace(ctx, c, rowsOf(later))
	fails(t, "Replace", err, storage.ErrNotFound)
	// A record of the old content is no earlier row.
	c, rows, _ = old.replace(put("a.b.c/1", "one"))
	rows[0].Record.Bytes = nil
	_, err = s.Replace(ctx, c, rowsOf(rows))
	fails(t, "Replace", err, storage.ErrNotFound)
	wantRepo(t, s, old)
	want(t, "the log", events(t, s), log)
}
