package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/ipld/go-car"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// TestGenesis shows what a new repo begins with, and that relays understand it.
func TestGenesis(t *testing.T) {
	e, store := newRepo(t)
	check(t, e.Verify(t.Context(), alice, signer().public(t)))
	var kinds []storage.EventKind
	for ev, err := range store.ListEvents(t.Context(), 0, 0) {
		check(t, err)
		kinds = append(kinds, ev.Kind)
		if ev.Kind == storage.EventCommit {
			msg := decodeCommitEvent(t, ev)
			if msg.Since != nil || msg.PrevData != nil || len(msg.Ops) != 0 {
				t.Errorf("the first commit's event is %+v", msg)
			}
			_, err := repo.VerifyCommitMessage(t.Context(), msg)
			check(t, err)
		} else {
			var msg comatproto.SyncSubscribeRepos_Sync
			check(t, msg.UnmarshalCBOR(bytes.NewReader(ev.Body)))
			_, _, err := repo.LoadCommitFromCAR(t.Context(), bytes.NewReader(msg.Blocks))
			check(t, err)
		}
	}
	if fmt.Sprint(kinds) != "[#commit #sync]" {
		t.Errorf("events %v", kinds)
	}
}

// TestRecordProof proves what is and what isn't in a repo to indigo, from the proof's blocks alone.
func TestRecordProof(t *testing.T) {
	e, store := newRepo(t)
	r := newRand(t)
	m := newModel(r, 600)
	for range 10 {
		if ops := m.batch(t, 60, 0.3); len(ops) > 0 {
			apply(t, e, ops...)
		}
		head, err := store.Head(t.Context(), alice)
		check(t, err)
		for _, i := range r.Perm(len(m.paths))[:60] {
			p := m.paths[i]
			var b bytes.Buffer
			check(t, e.RecordProof(t.Context(), alice, p, &b))
			cr, err := car.NewCarReader(&b)
			check(t, err)
			if len(cr.Header.Roots) != 1 || cr.Header.Roots[0] != head.Commit {
				t.Fatalf("roots %v, want %s", cr.Header.Roots, head.Commit)
			}
			blocks := repo.NewTinyBlockstore()
			n := 0
			for bl, err := cr.Next(); err == nil; bl, err = cr.Next() {
				check(t, blocks.Put(t.Context(), bl))
				n++
			}
			tree, err := mst.LoadTreeFromStore(t.Context(), blocks, head.Data)
			check(t, err)
			got, err := tree.Get([]byte(p))
			check(t, err)
			want, there := m.records[p]
			if there != (got != nil) || there && *got != want {
				t.Fatalf("%s: the proof says %v, want %v", p, got, want)
			}
			if there {
				_, err := blocks.Get(t.Context(), want)
				check(t, err)
			}
			if n > 20 {
				t.Errorf("%s: a proof of %d blocks", p, n)
			}
		}
	}
	if err := e.RecordProof(t.Context(), bob, path, nil); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("unknown repo: %v", err)
	}
	if err := e.RecordProof(t.Context(), alice, "nonsense", nil); !errors.Is(err, ErrInvalidPath) {
		t.Errorf("invalid path: %v", err)
	}
}

func TestBlocks(t *testing.T) {
	e, store := newRepo(t)
	one := record(t, "one")
	apply(t, e, Op{Action: Create, Path: path, Value: one})
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	var b bytes.Buffer
	check(t, e.Blocks(t.Context(), alice, []cid.Cid{head.Data, sumCID(one), head.Commit, head.Data}, &b))
	want := appendCARHeader(nil, cid.Undef)
	for _, c := range []cid.Cid{head.Data, sumCID(one), head.Commit} {
		blocks, err := store.Blocks(t.Context(), alice, []cid.Cid{c})
		check(t, err)
		want = appendCARBlock(want, c, blocks[0].Bytes)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("CAR %x, want %x", b.Bytes(), want)
	}
	missing := sumCID(nil)
	err = e.Blocks(t.Context(), alice, []cid.Cid{head.Data, missing}, nil)
	if !errors.Is(err, ErrBlockNotFound) || !strings.Contains(err.Error(), missing.String()) {
		t.Errorf("error %v, want ErrBlockNotFound that names %s", err, missing)
	}
	if err := e.Blocks(t.Context(), bob, nil, nil); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("unknown repo: %v", err)
	}
}

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

func TestCheckCBOR(t *testing.T) {
	for s, ok := range map[string]bool{
		"\xa0": true, "\xa1\x61a\x01": true, "\x82\x01\x80": true, "\xd8\x2a\x41\x00": true, "\xf6": true, "\x19\x01\x00": true,
		"": false, "\xa1\x61a": false, "\xa0\xa0": false, "\x9f\xff": false, "\x5f\xff": false, "\x62a": false,
		"\x9b\xff\xff\xff\xff\xff\xff\xff\xff": false, "\xbb\x80\x00\x00\x00\x00\x00\x00\x00": false, "\x1b\x00": false,
		"\xd8\x2a": false, strings.Repeat("\x81", maxDepth) + "\x00": true, strings.Repeat("\x81", maxDepth+1) + "\x00": false,
	} {
		if err := checkCBOR([]byte(s)); (err == nil) != ok {
			t.Errorf("checkCBOR(%x) = %v", s, err)
		}
	}
}
