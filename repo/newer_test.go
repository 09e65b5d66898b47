package repo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// TestNewerModel holds what is found in the tree against all records, after random commits that delete, too.
func TestNewerModel(t *testing.T) {
	e, store := newRepo(t)
	r := newRand(t)
	m := newModel(r, 2000)
	revs := []syntax.TID{""}
	collections := []syntax.NSID{"com.example.c2", "com.example.c0", "com.example.none"}
	for range 60 {
		if ops := m.batch(t, 1+r.IntN(60), 0.4); len(ops) > 0 {
			revs = append(revs, apply(t, e, ops...).Rev)
		}
		for _, back := range []int{1, 2, 1 + r.IntN(len(revs))} {
			since, limit := revs[max(0, len(revs)-back)], 1+r.IntN(40)
			got, err := e.Newer(t.Context(), alice, since, collections, limit)
			check(t, err)
			if want := newerOf(t, store, since, collections, limit); since != "" && !cmp.Equal(want, paths(got)) {
				t.Fatalf("up to %d since %s (-want +got):\n%s", limit, since, cmp.Diff(want, paths(got)))
			}
		}
	}
	if got, err := e.Newer(t.Context(), bob, "", collections, 1); err != nil || got != nil {
		t.Errorf("no repo: %v, %v", got, err)
	}
}

// newerOf finds the paths of newer records by looking at every one.
func newerOf(
	t *testing.T, store storage.Repos, since syntax.TID, collections []syntax.NSID, limit int,
) (all []string) {
	t.Helper()
	for _, c := range collections {
		var found []storage.Record
		for rec, err := range store.Records(t.Context(), alice, storage.RecordRange{Collection: c, Reverse: true}) {
			check(t, err)
			if rec.Rev > since && len(found) < limit {
				found = append(found, rec)
			}
		}
		all = append(all, paths(found)...)
	}
	return all
}

func paths(records []storage.Record) (all []string) {
	for _, r := range records {
		all = append(all, r.Path)
	}
	return all
}

// TestNewerCost counts what is read of a large repo for a record that was written anew, and how much of one that is all
// new.
func TestNewerCost(t *testing.T) {
	e, store := newRepo(t)
	var ops []Op
	for i := range 5000 {
		ops = append(ops, Op{Action: Create, Path: fmt.Sprintf("com.example.note/%05d", i), Value: record(t, fmt.Sprint(i))})
	}
	for batch := range slices.Chunk(ops, MaxOps) {
		apply(t, e, batch...)
	}
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	edited := Op{Action: Update, Path: "com.example.note/01234", Value: record(t, "edited")}
	last := apply(t, e, edited)

	counted := &newerReads{Repos: store}
	e.store = counted
	notes := []syntax.NSID{"com.example.note"}
	got, err := e.Newer(t.Context(), alice, head.Rev, notes, 10)
	check(t, err)
	if p := strings.Join(paths(got), " "); p != edited.Path || string(got[0].Bytes) != string(edited.Value) {
		t.Errorf("found %q", p)
	}
	if counted.blocks > 60 || counted.records > 60 {
		t.Errorf("one record took %d blocks and %d records", counted.blocks, counted.records)
	}
	counted.blocks, counted.records = 0, 0
	got, err = e.Newer(t.Context(), alice, "2222222222222", notes, 1_000_000)
	check(t, err)
	if len(got) < newerNodes || len(got) == len(ops) || counted.blocks > newerNodes+2*newerAhead {
		t.Errorf("of all, %d records were found in %d blocks", len(got), counted.blocks)
	}
	counted.blocks = 0
	got, err = e.Newer(t.Context(), alice, last.Rev, notes, 10)
	check(t, err)
	if got != nil || counted.blocks > 0 {
		t.Errorf("where nothing is new, %d blocks were read", counted.blocks)
	}
}

// TestNewerWideNode: whoever chooses record keys such that one node has all records makes no reader look at all of them.
func TestNewerWideNode(t *testing.T) {
	e, store := newRepo(t)
	var ops []Op
	for i := 0; len(ops) < newerRecords+200; i++ {
		if path := fmt.Sprintf("com.example.note/%05d", i); mst.HeightForKey([]byte(path)) == 0 {
			ops = append(ops, Op{Action: Create, Path: path, Value: record(t, "note")})
		}
	}
	for batch := range slices.Chunk(ops, MaxOps) {
		apply(t, e, batch...)
	}
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	apply(t, e, Op{Action: Update, Path: ops[0].Path, Value: record(t, "edited")})

	counted := &newerReads{Repos: store}
	e.store = counted
	_, err = e.Newer(t.Context(), alice, head.Rev, []syntax.NSID{"com.example.note"}, 10)
	check(t, err)
	if counted.records > newerRecords {
		t.Errorf("%d records were read", counted.records)
	}
}

// newerReads counts what is asked for.
type newerReads struct {
	storage.Repos
	blocks, records int
}

func (c *newerReads) Snapshot(ctx context.Context, read func(storage.RepoReader) error) error {
	return c.Repos.Snapshot(ctx, func(r storage.RepoReader) error { return read(newerReader{r, c}) })
}

type newerReader struct {
	storage.RepoReader
	c *newerReads
}

func (r newerReader) Blocks(ctx context.Context, did syntax.DID, want []cid.Cid) ([]storage.Block, error) {
	r.c.blocks += len(want)
	return r.RepoReader.Blocks(ctx, did, want)
}

func (r newerReader) Record(ctx context.Context, did syntax.DID, path string) (storage.Record, error) {
	r.c.records++
	return r.RepoReader.Record(ctx, did, path)
}
