package repo

import (
	"context"
	"errors"
	"fmt"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// maxTries is how often Apply begins anew, because another engine on the same storage was faster, before it gives up
// with storage.ErrConflict.
const maxTries = 16

// Apply changes a repo by one commit, durably, all of it or nothing. If there is nothing to change (each put finds its
// very record, or the only operation deletes what isn't there) it makes no commit, and Result.Changed is false.
//
// Errors: [ErrRecordExists], [ErrRecordNotFound], [ErrSwapCommit], [ErrSwapRecord],
// [ErrBlobNotFound], [ErrTooManyOps], [ErrTooLarge], [ErrInvalidPath], [ErrDuplicatePath],
// [ErrInvalidOp]; storage.ErrNotFound if there is no such repo; storage.ErrGuard if the account
// isn't what [Batch.Guard] asks for; storage.ErrConflict if writers elsewhere were always faster.
// After another error of storage or of ctx, the commit may have happened or not.
func (e *Engine) Apply(ctx context.Context, did syntax.DID, b Batch) (Result, error) {
	p, err := newPlan(b)
	if err != nil {
		return Result{}, err
	}
	a, err := e.actors.acquire(ctx, did)
	if err != nil {
		return Result{}, err
	}
	defer e.actors.release(a)

	for try := 1; ; try++ {
		r, err := e.try(ctx, a, p)
		if !errors.Is(err, storage.ErrConflict) || try == maxTries {
			return r, err
		}
	}
}

// try applies a plan to what the actor knows of the repo. storage.ErrConflict says that this was out of date. After an
// error the actor knows nothing that may be wrong.
func (e *Engine) try(ctx context.Context, a *actor, p *plan) (Result, error) {
	cached := a.tree != nil
	if !cached {
		if err := e.open(ctx, a); err != nil {
			a.drop()
			return Result{}, err
		}
	}
	load := e.loader(a.did)
	a.tree.begin()
	if err := a.tree.prepare(ctx, load, p.keys); err != nil {
		return Result{}, e.dropped(ctx, a, err)
	}
	results, err := p.settle(a.head, a.tree.value)
	if err != nil || !changes(results) {
		// Nothing will be written, so the compare-and-swap can't tell whether the tree was up to date.
		if cached {
			if stale := e.check(ctx, a); stale != nil {
				a.drop()
				return Result{}, stale
			}
		}
		if err != nil {
			return Result{}, err
		}
		return Result{Commit: a.head.Commit, Rev: a.head.Rev, Ops: results}, nil
	}
	r, err := e.commit(ctx, a, load, p, results)
	if err != nil {
		return Result{}, e.dropped(ctx, a, err)
	}
	return r, nil
}

func changes(results []OpResult) bool {
	for _, r := range results {
		if r.Action != "" {
			return true
		}
	}
	return false
}

// open loads the root of the tree.
func (e *Engine) open(ctx context.Context, a *actor) error {
	head, err := e.store.Head(ctx, a.did)
	if err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	a.head = head
	blocks, err := e.loader(a.did)(ctx, []cid.Cid{head.Data})
	if err != nil {
		return e.gone(ctx, a, err)
	}
	root, err := openNode(head.Data, blocks[0], -1)
	if err != nil {
		return err
	}
	a.tree = newTree(root)
	return nil
}

// loader reads nodes from storage.
func (e *Engine) loader(did syntax.DID) nodeLoader {
	return func(ctx context.Context, want []cid.Cid) ([][]byte, error) {
		e.nodesRead.Add(int64(len(want)))
		return loadBlocks(ctx, e.store, did, want)
	}
}

// loadBlocks returns the blocks with the given CIDs, in this order. Error: errNodeGone.
func loadBlocks(ctx context.Context, r storage.RepoReader, did syntax.DID, want []cid.Cid) ([][]byte, error) {
	got, err := r.Blocks(ctx, did, want)
	if err != nil {
		return nil, fmt.Errorf("repo: %w", err)
	}
	blocks := make([][]byte, len(want))
	for i, c := range want {
		if i >= len(got) || got[i].CID != c {
			return nil, fmt.Errorf("%w: %s", errNodeGone, c)
		}
		blocks[i] = got[i].Bytes
	}
	return blocks, nil
}

// dropped drops what the actor knows, and returns err as Apply should see it.
func (e *Engine) dropped(ctx context.Context, a *actor, err error) error {
	err = e.gone(ctx, a, err)
	a.drop()
	return err
}

// gone tells what errNodeGone means: storage.ErrConflict if the head has moved, so that the node may well be gone, or
// else [ErrCorrupt]. Other errors it returns as they are.
func (e *Engine) gone(ctx context.Context, a *actor, err error) error {
	if !errors.Is(err, errNodeGone) {
		return err
	}
	if stale := e.check(ctx, a); stale != nil {
		return stale
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// check returns storage.ErrConflict if the head isn't the actor's any more.
func (e *Engine) check(ctx context.Context, a *actor) error {
	head, err := e.store.Head(ctx, a.did)
	if err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	if head.Commit != a.head.Commit {
		return fmt.Errorf("repo: %w", storage.ErrConflict)
	}
	return nil
}

// commit carries out what settle has found.
func (e *Engine) commit(ctx context.Context, a *actor, load nodeLoader, p *plan, results []OpResult) (Result, error) {
	tree := a.tree
	a.tree = nil // until all is stored: not even a panic of the signer leaves a tree behind that is half changed
	var ops []*comatproto.SyncSubscribeRepos_RepoOp
	var writes []storage.RecordWrite
	for i, r := range results {
		if r.Action == "" {
			continue
		}
		if err := tree.apply(ctx, load, p.keys[i]); err != nil {
			return Result{}, err
		}
		path := p.Ops[i].Path
		ops = append(ops, &comatproto.SyncSubscribeRepos_RepoOp{
			Action: string(r.Action), Path: path, Cid: data.OptionalLink(r.CID), Prev: data.OptionalLink(r.Prev),
		})
		w := storage.RecordWrite{Path: path, CID: r.CID, Bytes: p.Ops[i].Value, Blobs: p.blobs[i]}
		if r.CID.Defined() {
			w.Subject = data.Subject(w.Bytes)
		}
		writes = append(writes, w)
	}
	order(ops, tree.mst.Root)
	d, err := tree.flush()
	if err != nil {
		return Result{}, err
	}

	now := e.now()
	rev, err := nextRev(now, a.head.Rev)
	if err != nil {
		return Result{}, err
	}
	head, err := e.sign(ctx, a.did, rev, d.root)
	if err != nil {
		return Result{}, err
	}
	car := carOf(head, relevant(d.nodes, writes))
	if len(car) > MaxCommitBytes {
		return Result{}, fmt.Errorf("%w: commit of %d bytes", ErrTooLarge, len(car))
	}
	event, err := commitEvent(now, a.head, head, ops, car)
	if err != nil {
		return Result{}, err
	}
	seq, err := e.store.Commit(ctx, storage.Commit{
		Prev: a.head.Commit, Head: head,
		NewNodes: d.created, DropNodes: d.dropped, Writes: writes, Guard: p.Guard,
		Events: []storage.Event{event},
	})
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return Result{}, fmt.Errorf("%w: %w", ErrBlobNotFound, err)
	case err != nil:
		return Result{}, fmt.Errorf("repo: %w", err)
	}
	a.head, a.tree = head, tree
	return Result{Changed: true, Commit: head.Commit, Rev: rev, Seq: seq, Ops: results}, nil
}

// relevant returns the blocks of a commit's event beside the commit: the nodes, and each new record once.
func relevant(nodes []storage.Block, writes []storage.RecordWrite) []storage.Block {
	seen := make(map[cid.Cid]struct{}, len(writes))
	for _, w := range writes {
		if _, dup := seen[w.CID]; !dup && w.CID.Defined() {
			seen[w.CID] = struct{}{}
			nodes = append(nodes, storage.Block{CID: w.CID, Bytes: w.Bytes})
		}
	}
	return nodes
}
