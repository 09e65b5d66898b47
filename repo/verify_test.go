package repo

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// damaged is a store that reads something else than was written.
type damaged struct {
	storage.Repos
	head    func(*storage.Head)
	block   func(*storage.Block) // sees nodes, records and the commit
	record  func(*storage.Record) bool
	without cid.Cid
	stats   storage.RepoStats // added
}

func (d damaged) Snapshot(ctx context.Context, read func(storage.RepoReader) error) error {
	return d.Repos.Snapshot(ctx, func(r storage.RepoReader) error { return read(damagedReader{r, d}) })
}

type damagedReader struct {
	storage.RepoReader
	d damaged
}

func (r damagedReader) Head(ctx context.Context, did syntax.DID) (storage.Head, error) {
	h, err := r.RepoReader.Head(ctx, did)
	if r.d.head != nil {
		r.d.head(&h)
	}
	return h, err
}

func (r damagedReader) Blocks(ctx context.Context, did syntax.DID, want []cid.Cid) (out []storage.Block, err error) {
	got, err := r.RepoReader.Blocks(ctx, did, want)
	for _, b := range got {
		if b.CID == r.d.without {
			continue
		}
		if r.d.block != nil {
			r.d.block(&b)
		}
		out = append(out, b)
	}
	return out, err
}

func (r damagedReader) Records(
	ctx context.Context, did syntax.DID, in storage.RecordRange,
) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		for rec, err := range r.RepoReader.Records(ctx, did, in) {
			if r.d.record != nil && !r.d.record(&rec) {
				continue
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}

func (r damagedReader) Stats(ctx context.Context, did syntax.DID) (storage.RepoStats, error) {
	s, err := r.RepoReader.Stats(ctx, did)
	s.Nodes += r.d.stats.Nodes
	s.Records += r.d.stats.Records
	return s, err
}

// TestVerifyFinds damages a repo in every way, and has it found.
func TestVerifyFinds(t *testing.T) {
	e, store := newRepo(t)
	g := generate(t, alice, 300)
	check(t, importCAR(t, e, g.car(t)))
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	flip := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[len(b)/2] ^= 1
		return b
	}
	other, err := atcrypto.GeneratePrivateKeyP256()
	check(t, err)
	otherKey, err := other.PublicKey()
	check(t, err)
	tests := map[string]struct {
		damaged damaged
		key     atcrypto.PublicKey
	}{
		"commit's bytes": {damaged{head: func(h *storage.Head) { h.Block = flip(h.Block) }}, nil},
		"commit's CID":   {damaged{head: func(h *storage.Head) { h.Commit = h.Data }}, nil},
		"rev":            {damaged{head: func(h *storage.Head) { h.Rev = "3kaaaaaaaaa22" }}, nil},
		"data":           {damaged{head: func(h *storage.Head) { h.Data = h.Commit }}, nil},
		"signature":      {damaged{}, otherKey},
		"a node's bytes": {damaged{block: func(b *storage.Block) { b.Bytes = flip(b.Bytes) }}, nil},
		"the root":       {damaged{without: head.Data}, nil},
		"a node more":    {damaged{stats: storage.RepoStats{Nodes: 1}}, nil},
		"a record more":  {damaged{stats: storage.RepoStats{Records: 1}}, nil},
		"a record's bytes": {damaged{record: func(r *storage.Record) bool {
			if r.Path == g.paths[50] {
				r.Bytes = flip(r.Bytes)
			}
			return true
		}}, nil},
		"a record's CID": {damaged{record: func(r *storage.Record) bool {
			if r.Path == g.paths[50] {
				r.CID = head.Data
			}
			return true
		}}, nil},
		"a record":        {damaged{record: func(r *storage.Record) bool { return r.Path != g.paths[50] }}, nil},
		"the last record": {damaged{record: func(r *storage.Record) bool { return r.Path != g.paths[299] }}, nil},
		"a record's path": {damaged{record: func(r *storage.Record) bool {
			if r.Path == g.paths[299] {
				r.Path += "x"
			}
			return true
		}}, nil},
	}
	for name, test := range tests {
		test.damaged.Repos = store
		e := newEngine(t, test.damaged)
		if err := e.Verify(t.Context(), alice, test.key); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: error %v, want ErrCorrupt", name, err)
		}
		if strings.HasPrefix(name, "a record") && !strings.HasSuffix(name, "bytes") && !strings.HasSuffix(name, "more") {
			if err := e.Export(t.Context(), alice, "", &bytes.Buffer{}); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: Export: error %v, want ErrCorrupt", name, err)
			}
		}
	}
	check(t, newEngine(t, damaged{Repos: store}).Verify(t.Context(), alice, signer().public(t)))
	if err := e.Verify(t.Context(), bob, nil); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("unknown repo: %v", err)
	}
}

// TestApplyToCorruptRepo shows that a missing node isn't taken for a race without end.
func TestApplyToCorruptRepo(t *testing.T) {
	e, store := newRepo(t)
	apply(t, e, Op{Action: Create, Path: path, Value: record(t, "one")})
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	e = newEngine(t, withoutBlock{store, head.Data})
	_, err = e.Apply(t.Context(), alice, Batch{Ops: []Op{{Action: Delete, Path: path}}})
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt", err)
	}
}

type withoutBlock struct {
	*memory.Store
	cid cid.Cid
}

func (s withoutBlock) Blocks(ctx context.Context, did syntax.DID, want []cid.Cid) ([]storage.Block, error) {
	got, err := s.Store.Blocks(ctx, did, want)
	var out []storage.Block
	for _, b := range got {
		if b.CID != s.cid {
			out = append(out, b)
		}
	}
	return out, err
}
