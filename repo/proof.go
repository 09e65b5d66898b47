package repo

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// RecordProof writes a CAR file that proves what is at a path, or that nothing is there: the commit, which is its root,
// the nodes from the root of the tree to where the path is or would be, and the record if there is one.
//
// Errors: those of w; [ErrInvalidPath]; [ErrCorrupt]; storage.ErrNotFound if there is no such repo. Unless w fails,
// nothing is written when an error is returned.
func (e *Engine) RecordProof(ctx context.Context, did syntax.DID, path string, w io.Writer) error {
	if err := checkPath(path); err != nil {
		return fmt.Errorf("%w %q: %w", ErrInvalidPath, path, err)
	}
	var car []byte
	err := e.store.Snapshot(ctx, func(r storage.RepoReader) error {
		head, err := r.Head(ctx, did)
		if err != nil {
			return fmt.Errorf("repo: %w", err)
		}
		blocks, err := proof(ctx, r, head, path)
		if errors.Is(err, errNodeGone) {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if err != nil {
			return err
		}
		car = carOf(head, blocks)
		return nil
	})
	if err != nil {
		return err
	}
	_, err = w.Write(car)
	return err
}

func proof(ctx context.Context, r storage.RepoReader, head storage.Head, path string) ([]storage.Block, error) {
	var blocks []storage.Block
	next := head.Data
	for range maxHeight {
		got, err := loadBlocks(ctx, r, head.DID, []cid.Cid{next})
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, storage.Block{CID: next, Bytes: got[0]})
		n, err := openNode(next, got[0], 0) // its true height isn't asked for
		if err != nil {
			return nil, err
		}
		i, found := position(n, []byte(path))
		if found {
			value := *n.Entries[i].Value
			got, err := loadBlocks(ctx, r, head.DID, []cid.Cid{value})
			if err != nil {
				return nil, err
			}
			return append(blocks, storage.Block{CID: value, Bytes: got[0]}), nil
		}
		if i == 0 || !n.Entries[i-1].IsChild() {
			return blocks, nil
		}
		next = *n.Entries[i-1].ChildCID
	}
	return nil, fmt.Errorf("%w: tree higher than any key", ErrCorrupt)
}

// maxHeight is one more than the greatest height that a key's hash can give.
const maxHeight = 129

// Blocks writes a CAR file without a root that has the given blocks of a repo, each once: nodes, records, or the newest
// commit. All of them are in memory at once, so the caller bounds their number.
//
// Errors: those of w; [ErrBlockNotFound], which names the missing ones; storage.ErrNotFound if there is no such repo.
// Unless w fails, nothing is written when an error is returned.
func (e *Engine) Blocks(ctx context.Context, did syntax.DID, cids []cid.Cid, w io.Writer) error {
	if _, err := e.store.Head(ctx, did); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	blocks, err := e.store.Blocks(ctx, did, distinct(cids))
	if err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	car := appendCARHeader(nil, cid.Undef)
	found := make(map[cid.Cid]struct{}, len(blocks))
	for _, b := range blocks {
		found[b.CID] = struct{}{}
		car = appendCARBlock(car, b.CID, b.Bytes)
	}
	var missing []error
	for _, c := range cids {
		if _, ok := found[c]; !ok {
			missing = append(missing, fmt.Errorf("%w: %s", ErrBlockNotFound, c))
		}
	}
	if len(missing) > 0 {
		return errors.Join(missing...)
	}
	_, err = w.Write(car)
	return err
}
