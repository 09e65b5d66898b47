package repo

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// Verify reads a whole repo as it is stored at one moment, and returns an [ErrCorrupt] that says where it isn't as it
// should be, or nil. It recomputes the CID of every block, checks the commit, the order and heights of the tree's keys and
// that its nodes are encoded canonically, and that the stored nodes and records are those of the tree and no others. If
// key isn't nil, the commit must be signed by it.
//
// Errors, beside those of storage: [ErrCorrupt]; storage.ErrNotFound if there is no such repo.
func (e *Engine) Verify(ctx context.Context, did syntax.DID, key atcrypto.PublicKey) error {
	return e.store.Snapshot(ctx, func(r storage.RepoReader) error {
		head, err := r.Head(ctx, did)
		if err != nil {
			return fmt.Errorf("repo: %w", err)
		}
		if err := checkHead(head, did, key); err != nil {
			return fmt.Errorf("%w: commit %s: %w", ErrCorrupt, head.Commit, err)
		}
		found, err := verifyTree(ctx, r, head)
		if err != nil {
			return err
		}
		stored, err := r.Stats(ctx, did)
		if err != nil {
			return fmt.Errorf("repo: %w", err)
		}
		if stored != found {
			return fmt.Errorf("%w: %+v are stored, the tree has %+v", ErrCorrupt, stored, found)
		}
		return nil
	})
}

// checkHead checks a stored commit.
func checkHead(head storage.Head, did syntax.DID, key atcrypto.PublicKey) error {
	c, err := readCommit(head.Block)
	if err != nil {
		return err
	}
	if err := c.VerifyStructure(); err != nil {
		return err
	}
	switch {
	case data.SumCID(head.Block) != head.Commit:
		return data.ErrWrongCID
	case c.DID != string(did) || c.Rev != string(head.Rev) || c.Data != head.Data:
		return errors.New("head says something else than its commit")
	case key != nil:
		return c.VerifySignature(key)
	}
	return nil
}

// verifyTree walks over the tree and the records side by side.
func verifyTree(ctx context.Context, r storage.RepoReader, head storage.Head) (found storage.RepoStats, err error) {
	w := storedWalk(ctx, r, head.DID, head.Data, wholeAhead, func(b *branch) error {
		found.Nodes++
		if data.SumCID(b.Bytes) != b.CID {
			return data.ErrWrongCID
		}
		return b.readForeign()
	})
	var last string
	for rec, err := range r.Records(ctx, head.DID, storage.RecordRange{}) {
		if err != nil {
			return found, fmt.Errorf("repo: %w", err)
		}
		leaf, err := w.leaf()
		if err == io.EOF {
			return found, fmt.Errorf("%w: record %s isn't in the tree", ErrCorrupt, rec.Path)
		}
		if err != nil {
			return found, err
		}
		if err := checkLeaf(leaf, last, rec); err != nil {
			return found, fmt.Errorf("%w: record %s: %w", ErrCorrupt, rec.Path, err)
		}
		last = leaf.path
		found.Records++
	}
	leaf, err := w.leaf()
	if err == nil {
		return found, fmt.Errorf("%w: record %s of the tree isn't stored", ErrCorrupt, leaf.path)
	}
	if err != io.EOF {
		return found, err
	}
	return found, nil
}

func checkLeaf(leaf step, last string, rec storage.Record) error {
	switch {
	case leaf.path <= last:
		return errKeyOrder
	case leaf.path != rec.Path:
		return fmt.Errorf("the tree has %s instead", leaf.path)
	case leaf.value != rec.CID:
		return fmt.Errorf("the tree has %s instead of %s", leaf.value, rec.CID)
	case data.SumCID(rec.Bytes) != rec.CID:
		return data.ErrWrongCID
	}
	return checkPath(leaf.path)
}

var errKeyOrder = errors.New("key out of order")

// leaf returns the next record of a walk, or io.EOF.
func (w *walk) leaf() (step, error) {
	for {
		s, err := w.next()
		if err != nil || s.node == nil {
			return s, err
		}
	}
}
