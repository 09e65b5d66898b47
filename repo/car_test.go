package repo

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// blocksOf returns the blocks of a CAR file in their order, the first of which must be its root if it has one.
func blocksOf(t testing.TB, b []byte) []storage.Block {
	t.Helper()
	r, err := data.NewCARReader(bytes.NewReader(b))
	check(t, err)
	var blocks []storage.Block
	for {
		c, block, err := r.Next()
		if err == io.EOF {
			break
		}
		check(t, err)
		blocks = append(blocks, storage.Block{CID: c, Bytes: block})
	}
	if blocks[0].CID != r.Root() {
		t.Errorf("the first block is %s, not the root %s", blocks[0].CID, r.Root())
	}
	return blocks
}

// carFrom writes a CAR file of blocks.
func carFrom(root cid.Cid, blocks []storage.Block) []byte {
	b := data.AppendCARHeader(nil, root)
	for _, bl := range blocks {
		b = data.AppendCARBlock(b, bl.CID, bl.Bytes)
	}
	return b
}

func importCAR(t testing.TB, e *Engine, b []byte) error {
	t.Helper()
	_, err := e.Import(t.Context(), alice, bytes.NewReader(b), ImportOptions{CheckKey: signer().public(t)})
	return err
}

// TestExportOrder shows that an export is exactly what a reader of the tree asks for, in the order of asking.
func TestExportOrder(t *testing.T) {
	for _, n := range []int{0, 1, 5, 3000} {
		e, _ := newRepo(t)
		g := generate(t, alice, n)
		check(t, importCAR(t, e, g.car(t)))
		var want []cid.Cid
		check(t, g.each(func(c cid.Cid, _ []byte) error {
			want = append(want, c)
			return nil
		}))
		blocks := blocksOf(t, export(t, e, alice, ""))
		var got []cid.Cid
		for _, b := range blocks {
			got = append(got, b.CID)
		}
		want[0] = got[0] // the commit is our own
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(cid.Cid{})); diff != "" {
			t.Errorf("%d records (-want +got):\n%s", n, diff)
		}
	}
}

func TestExportUnknown(t *testing.T) {
	e, _ := newRepo(t)
	var b bytes.Buffer
	if err := e.Export(t.Context(), bob, "", &b); !errors.Is(err, storage.ErrNotFound) || b.Len() > 0 {
		t.Errorf("error %v and %d bytes, want storage.ErrNotFound and nothing", err, b.Len())
	}
}

// TestExportSince follows a repo by its partial exports, and comes to the same blocks as a whole one.
func TestExportSince(t *testing.T) {
	e, store := newRepo(t)
	r := newRand(t)
	m := newModel(r, 400)
	var since syntax.TID
	mirror := make(map[cid.Cid][]byte)
	for range 30 {
		for range 1 + r.IntN(4) {
			if ops := m.batch(t, 1+r.IntN(20), 0.3); len(ops) > 0 {
				apply(t, e, ops...)
			}
		}
		part := blocksOf(t, export(t, e, alice, since))
		for _, b := range part {
			mirror[b.CID] = b.Bytes
		}
		whole := blocksOf(t, export(t, e, alice, ""))
		for _, b := range whole {
			if _, ok := mirror[b.CID]; !ok {
				t.Fatalf("block %s isn't in the exports since %q", b.CID, since)
			}
		}
		rows, err := storedBlocks(t, store, since)
		check(t, err)
		if len(part) != rows+1 {
			t.Fatalf("%d blocks since %q, want %d and the commit", len(part), since, rows)
		}
		head, err := store.Head(t.Context(), alice)
		check(t, err)
		since = head.Rev
	}
	if got := blocksOf(t, export(t, e, alice, since)); len(got) != 1 {
		t.Errorf("%d blocks since the head, want the commit only", len(got))
	}
}

// storedBlocks counts the stored nodes and records that are newer than a rev.
func storedBlocks(t testing.TB, store *memory.Store, since syntax.TID) (n int, err error) {
	for rec, err := range store.Records(t.Context(), alice, storage.RecordRange{}) {
		check(t, err)
		if rec.Rev > since {
			n++
		}
	}
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	w := storedWalk(t.Context(), store, alice, head.Data, wholeAhead, (*branch).read)
	for {
		s, err := w.next()
		if err == io.EOF {
			return n, nil
		}
		check(t, err)
		if s.node != nil && s.node.Rev > since {
			n++
		}
	}
}

// TestWalkIsBounded watches how much of a tree is held while it is walked over.
func TestWalkIsBounded(t *testing.T) {
	e, store := newRepo(t)
	g := generate(t, alice, 40_000)
	check(t, importCAR(t, e, g.car(t)))
	loads, total, most := 0, int64(0), int64(0)
	w := storedWalk(t.Context(), store, alice, g.heads.Data, wholeAhead, (*branch).read)
	load := w.load
	w.load = func(want []cid.Cid) ([]storage.Block, error) {
		loads++
		return load(want)
	}
	for {
		s, err := w.next()
		if err == io.EOF {
			break
		}
		check(t, err)
		if s.node != nil {
			total += int64(len(s.node.Bytes))
		}
		most = max(most, w.held)
	}
	if w.held != 0 || most > total/4 {
		t.Errorf("of %d bytes %d were held at once, and %d at the end", total, most, w.held)
	}
	if loads > 150 {
		t.Errorf("%d loads", loads)
	}
	t.Logf("%d bytes, %d of them at once, in %d loads", total, most, loads)
}
