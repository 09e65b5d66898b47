package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/ipld/go-car"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// TestGenesis shows what a new repo begins with, and that relays understand it.
func TestGenesis(t *testing.T) {
	e, store := newRepo(t)
	check(t, e.Verify(t.Context(), alice, signer().public(t)))
	var kinds []storage.EventKind
	for ev, err := range store.ListEvents(t.Context(), storage.EventRange{}) {
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
	check(t, e.Blocks(t.Context(), alice, []cid.Cid{head.Data, data.SumCID(one), head.Commit, head.Data}, &b))
	want := data.AppendCARHeader(nil, cid.Undef)
	for _, c := range []cid.Cid{head.Data, data.SumCID(one), head.Commit} {
		blocks, err := store.Blocks(t.Context(), alice, []cid.Cid{c})
		check(t, err)
		want = data.AppendCARBlock(want, c, blocks[0].Bytes)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("CAR %x, want %x", b.Bytes(), want)
	}
	missing := data.SumCID(nil)
	err = e.Blocks(t.Context(), alice, []cid.Cid{head.Data, missing}, nil)
	if !errors.Is(err, ErrBlockNotFound) || !strings.Contains(err.Error(), missing.String()) {
		t.Errorf("error %v, want ErrBlockNotFound that names %s", err, missing)
	}
	if err := e.Blocks(t.Context(), bob, nil, nil); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("unknown repo: %v", err)
	}
}

// TestManyBlocks shows that blocks aren't all in memory at once, and that all or none of them are written.
func TestManyBlocks(t *testing.T) {
	e, store := newRepo(t)
	var want []cid.Cid
	all := data.AppendCARHeader(nil, cid.Undef)
	for i := range 2*blocksAtOnce + 1 {
		value := record(t, fmt.Sprint(i))
		apply(t, e, Op{Action: Create, Path: fmt.Sprintf("com.example.note/%d", i), Value: value})
		want = append(want, data.SumCID(value))
		all = data.AppendCARBlock(all, data.SumCID(value), value)
	}
	most := 0
	e.store = countedBlocks{store, &most}
	var b bytes.Buffer
	check(t, e.Blocks(t.Context(), alice, want, &b))
	if !bytes.Equal(b.Bytes(), all) {
		t.Error("the CAR isn't of all blocks in their order")
	}
	if most > blocksAtOnce {
		t.Errorf("%d blocks were read at once", most)
	}
	b.Reset()
	if err := e.Blocks(t.Context(), alice, append(want, data.SumCID(nil)), &b); !errors.Is(err, ErrBlockNotFound) || b.Len() > 0 {
		t.Errorf("with a missing block: %v, and %d bytes", err, b.Len())
	}
}

// countedBlocks notes the most blocks that were asked for at once.
type countedBlocks struct {
	storage.Repos
	most *int
}

func (c countedBlocks) Blocks(ctx context.Context, did syntax.DID, want []cid.Cid) ([]storage.Block, error) {
	*c.most = max(*c.most, len(want))
	return c.Repos.Blocks(ctx, did, want)
}

func (c countedBlocks) Snapshot(ctx context.Context, read func(storage.RepoReader) error) error {
	return c.Repos.Snapshot(ctx, func(r storage.RepoReader) error { return read(countedReader{r, c.most}) })
}

type countedReader struct {
	storage.RepoReader
	most *int
}

func (c countedReader) Blocks(ctx context.Context, did syntax.DID, want []cid.Cid) ([]storage.Block, error) {
	*c.most = max(*c.most, len(want))
	return c.RepoReader.Blocks(ctx, did, want)
}
