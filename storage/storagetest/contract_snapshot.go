package storagetest

import (
	"errors"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

var snapshotSentences = []sentence{
	{"Repos", "all of a repo", "Repos keeps the signed repositories: for each its head, its MST nodes, its records and " +
		"their references to blobs.", func(t *testing.T, s storage.Store) {
		r := create(t, s, 1)
		upload(t, s, testBlob(testDID(1), "blob", 1))
		r = commit(t, s, r, put("a.b.c/1", "one", blobOf("blob")))
		wantRepo(t, s, r)
		want(t, "ListBlobs", listed(t, s, testDID(1), storage.BlobRange{}), blobStrings("blob"))
	}},
	{"Repos.Snapshot", "one moment", "Snapshot calls read with a reader that sees the state of one moment until read " +
		"returns, whatever is written meanwhile", testSnapshot},
	{"Repos.Snapshot", "returns what read returns", "It returns what read returns.", testSnapshotReturns},
}

func testSnapshot(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1, put("a.b.c/1", "one"), put("d.e.f/1", "two"))
	replaced := create(t, s, 2, put("a.b.c/1", "one"))
	deleted := create(t, s, 3, put("a.b.c/1", "one"))
	err := s.Snapshot(ctx, func(snap storage.RepoReader) error {
		wantRepo(t, snap, r) // a snapshot that is made lazily is made now
		now := r
		for range 3 {
			now = commit(t, s, now, put("a.b.c/1", "new"), put("a.b.c/2", now.head.Rev.String()), del("d.e.f/1"))
		}
		c, rows, replacement := replaced.replace(put("x.y.z/1", "new"))
		must(s.Replace(ctx, c, rowsOf(rows)))(t)
		must(s.DeleteAccount(ctx, testDID(3)))(t)
		fourth := create(t, s, 4)

		for range 2 {
			for _, then := range []*tree{r, replaced, deleted} {
				wantRepo(t, snap, then)
			}
			wantNoRepo(t, snap, testDID(4), cidsOf(fourth)...)
			if m, ok := storage.As[storage.Maintainer](s); ok { // garbage that a snapshot needs is none
				if err := m.Maintain(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, current := range []*tree{now, replacement, fourth} {
			wantRepo(t, s, current)
		}
		return s.Snapshot(ctx, func(inner storage.RepoReader) error {
			wantRepo(t, inner, now)
			wantRepo(t, snap, r)
			return nil
		})
	})
	ok(t, "Snapshot", err)
}

func testSnapshotReturns(t *testing.T, s storage.Store) {
	own := errors.New("read's own")
	if err := s.Snapshot(t.Context(), func(storage.RepoReader) error { return own }); err != own {
		t.Errorf("error is %v, want read's own", err)
	}
	ok(t, "Snapshot", s.Snapshot(t.Context(), func(storage.RepoReader) error { return nil }))
}
