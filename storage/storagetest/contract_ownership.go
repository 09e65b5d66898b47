package storagetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

// testOwnership changes the slices that it has handed in.
func testOwnership(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	spoil := func(bs ...[]byte) {
		for _, b := range bs {
			for i := range b {
				b[i] ^= 0xff
			}
		}
	}
	// A commit whose slices are copies of those that are compared later.
	c, next := r.commit(put("a.b.c/1", "one"))
	written := c
	written.Head.Block = append([]byte{}, c.Head.Block...)
	written.NewNodes = nil
	for _, b := range c.NewNodes {
		b.Bytes = append([]byte{}, b.Bytes...)
		written.NewNodes = append(written.NewNodes, b)
	}
	written.Writes = []storage.RecordWrite{c.Writes[0]}
	written.Writes[0].Bytes = append([]byte{}, c.Writes[0].Bytes...)
	written.Events = []storage.Event{c.Events[0]}
	written.Events[0].Body = append([]byte{}, c.Events[0].Body...)
	seq := must(s.Commit(ctx, written))(t)
	spoil(written.Head.Block, written.NewNodes[0].Bytes, written.Writes[0].Bytes, written.Events[0].Body)
	wantRepo(t, s, next)
	log := all(t, "ListEvents", s.ListEvents(ctx, storage.EventRange{After: seq - 1, Limit: 1}))
	want(t, "the event's body", log[0].Body, c.Events[0].Body)

	d := testDocument("kind", "id", did, 1)
	store(t, s, d)
	spoil(d.Value)
	want(t, "Document", must(s.Document(ctx, "kind", "id"))(t), testDocument("kind", "id", did, 1))
	swapped := testDocument("kind", "id", did, 1)
	swapped.Value = []byte("swapped")
	ok(t, "SwapDocument", s.SwapDocument(ctx, testDocument("kind", "id", did, 1), fresh(swapped)))
	spoil(swapped.Value)
	want(t, "Document", string(must(s.Document(ctx, "kind", "id"))(t).Value), "swapped")
}

// handed are slices that a store has handed out, with copies of what was in them then.
type handed struct {
	what       []string
	kept, then [][]byte
}

func (h *handed) keep(what string, data []byte) {
	h.what, h.kept, h.then = append(h.what, what), append(h.kept, data), append(h.then, bytes.Clone(data))
}

func (h *handed) want(t testing.TB) {
	t.Helper()
	for i := range h.kept {
		if !bytes.Equal(h.kept[i], h.then[i]) {
			t.Fatalf("%s handed out %q, which has become %q", h.what[i], h.then[i], h.kept[i])
		}
	}
}

// testHandedOut keeps what the store hands out while it reads and writes other things.
func testHandedOut(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	h := &handed{}
	r := create(t, s, 1)
	create(t, s, 2, put("a.b.c/1", "other"))
	text := func(i, round int) string { return fmt.Sprintf("%03d %d", i, round) } // all of one length
	for round := range 3 {
		var writes []storage.RecordWrite
		for i := range 20 {
			writes = append(writes, put(fmt.Sprintf("a.b.c/%d", i), text(i, round)))
			d := forever("kind", fmt.Sprintf("%03d", i), did)
			d.Value = []byte(text(i, round))
			if old, err := s.Document(ctx, d.Kind, d.ID); err == nil {
				h.keep("Document", old.Value)
				ok(t, "SwapDocument", s.SwapDocument(ctx, old, fresh(d)))
			} else {
				store(t, s, d)
			}
		}
		if round < 2 {
			r = commit(t, s, r, writes...)
		} else {
			c, rows, next := r.replace(writes...)
			must(s.Replace(ctx, c, rowsOf(rows)))(t)
			r = next
		}
		ok(t, "Snapshot", s.Snapshot(ctx, func(snap storage.RepoReader) error {
			h.readRepo(t, snap, r)
			return nil
		}))
		h.readRepo(t, s, r)
		h.readRest(t, s)
		h.want(t)
	}
	h.keep("TakeDocument", must(s.TakeDocument(ctx, "kind", "003"))(t).Value)
	must(s.DeleteAccount(ctx, did))(t)
	if m, ok := storage.As[storage.Maintainer](s); ok {
		if err := m.Maintain(ctx); err != nil {
			t.Fatal(err)
		}
	}
	create(t, s, 1, put("a.b.c/1", text(1, 9)))
	h.readRest(t, s)
	h.want(t)
}

// readRepo reads a repo in every way, and keeps the slices.
func (h *handed) readRepo(t testing.TB, s storage.RepoReader, r *tree) {
	t.Helper()
	ctx, did := t.Context(), r.head.DID
	h.keep("Head", must(s.Head(ctx, did))(t).Block)
	for _, b := range must(s.Blocks(ctx, did, cidsOf(r)))(t) {
		h.keep("Blocks", b.Bytes)
	}
	for _, b := range cidsOf(r) {
		h.keep("Blocks", must(s.Blocks(ctx, did, []cid.Cid{b}))(t)[0].Bytes)
	}
	for rec, err := range s.Records(ctx, did, storage.RecordRange{}) {
		ok(t, "Records", err)
		h.keep("Records", rec.Bytes)
		h.keep("Record", must(s.Record(ctx, did, rec.Path))(t).Bytes)
	}
}

// readRest reads all else that has slices, and keeps them.
func (h *handed) readRest(t testing.TB, s storage.Store) {
	t.Helper()
	for a, err := range s.ListAccounts(t.Context(), 0, 10) {
		ok(t, "ListAccounts", err)
		h.keep("ListAccounts", a.Head.Block)
	}
	for e, err := range s.ListEvents(t.Context(), storage.EventRange{}) {
		ok(t, "ListEvents", err)
		h.keep("ListEvents", e.Body)
	}
	for d, err := range s.ListDocuments(t.Context(), storage.DocumentRange{Kind: "kind"}) {
		ok(t, "ListDocuments", err)
		h.keep("ListDocuments", d.Value)
	}
}

// testEmpty writes nil slices where it expects empty ones, and the other way round.
func testEmpty(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	for i, value := range [][]byte{nil, {}} {
		d := forever("kind", fmt.Sprint(i), did)
		d.Value = value
		store(t, s, d)
		got := must(s.Document(ctx, "kind", d.ID))(t)
		want(t, "length of a value", len(got.Value), 0)
		old := d
		old.Value = [][]byte{{}, nil}[i]
		d.Value = []byte("new")
		ok(t, "SwapDocument", s.SwapDocument(ctx, old, fresh(d)))

		e := testEvent(did, storage.EventSync, 1)
		e.Body = value
		must(s.AppendEvents(ctx, e))(t)
		log := events(t, s)
		want(t, "length of an event's body", len(log[len(log)-1].Body), 0)

		w := storage.RecordWrite{Path: "a.b.c/1", CID: testCID(cid.DagCBOR, nil), Bytes: value}
		c, next := r.commit(w)
		c.NewNodes = append(c.NewNodes, storage.Block{CID: blobOf(""), Bytes: value})
		c.Writes[0].Blobs = [][]cid.Cid{nil, {}}[i]
		must(s.Commit(ctx, c))(t)
		want(t, "length of a record", len(must(s.Record(ctx, did, "a.b.c/1"))(t).Bytes), 0)
		blocks := must(s.Blocks(ctx, did, []cid.Cid{w.CID, blobOf("")}))(t)
		want(t, "number of blocks", len(blocks), 2)
		want(t, "length of blocks", len(blocks[0].Bytes)+len(blocks[1].Bytes), 0)
		r = next
		c, r = r.commit(del("a.b.c/1"))
		c.DropNodes = append(c.DropNodes, blobOf(""))
		must(s.Commit(ctx, c))(t)
	}
	wantRepo(t, s, r)
}
