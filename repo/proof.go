package repo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
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
	var failed error
	load := func(c cid.Cid) ([]byte, error) {
		got, err := loadBlocks(ctx, r, head.DID, []cid.Cid{c})
		if err != nil {
			failed = err
			return nil, err
		}
		blocks = append(blocks, storage.Block{CID: c, Bytes: got[0]})
		return got[0], nil
	}
	value, err := data.Lookup(head.Data, path, load)
	if err == nil && value.Defined() {
		_, err = load(value)
	}
	if err != nil && failed == nil {
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return blocks, err
}

// blocksAtOnce is how many blocks Blocks holds in memory.
const blocksAtOnce = 16

// Blocks writes a CAR file without a root that has the given blocks of a repo, each once: nodes, records, or the newest
// commit. The memory that it takes for them doesn't grow with their number.
//
// Errors: those of w; [ErrBlockNotFound], which names the missing ones; storage.ErrNotFound if there is no such repo.
// Unless w or storage fails, nothing is written when an error is returned.
func (e *Engine) Blocks(ctx context.Context, did syntax.DID, cids []cid.Cid, w io.Writer) error {
	want := distinct(cids)
	return e.store.Snapshot(ctx, func(r storage.RepoReader) error {
		if _, err := r.Head(ctx, did); err != nil {
			return fmt.Errorf("repo: %w", err)
		}
		if len(want) > blocksAtOnce { // nothing is to be written unless all are there
			if err := eachBlock(ctx, r, did, want, func(storage.Block) error { return nil }); err != nil {
				return err
			}
		}
		out := bufio.NewWriterSize(w, 64<<10)
		if _, err := out.Write(data.AppendCARHeader(nil, cid.Undef)); err != nil {
			return err
		}
		err := eachBlock(ctx, r, did, want, func(b storage.Block) error { return data.WriteCARBlock(out, b.CID, b.Bytes) })
		if err != nil {
			return err
		}
		return out.Flush()
	})
}

// eachBlock calls do with the wanted blocks. Error: [ErrBlockNotFound], which names all that are missing.
func eachBlock(
	ctx context.Context, r storage.RepoReader, did syntax.DID, want []cid.Cid, do func(storage.Block) error,
) error {
	var missing []error
	for some := range slices.Chunk(want, blocksAtOnce) {
		blocks, err := r.Blocks(ctx, did, some)
		if err != nil {
			return fmt.Errorf("repo: %w", err)
		}
		if len(blocks) < len(some) {
			missing = append(missing, notAmong(blocks, some)...)
		}
		if len(missing) > 0 {
			continue
		}
		for _, b := range blocks {
			if err := do(b); err != nil {
				return err
			}
		}
	}
	return errors.Join(missing...)
}

func notAmong(blocks []storage.Block, want []cid.Cid) (missing []error) {
	for _, c := range want {
		if !slices.ContainsFunc(blocks, func(b storage.Block) bool { return b.CID == c }) {
			missing = append(missing, fmt.Errorf("%w: %s", ErrBlockNotFound, c))
		}
	}
	return missing
}
