package repo

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// Export writes a repo, as it is at one moment, as a CAR file of version 1: the commit, which is its root, and then the
// tree in pre-order, with each record where a reader of the tree comes to it, so that the file can be verified while it
// streams. Memory doesn't grow with the repo, nor with the slowness of w.
//
// A record that stands at several paths is written at each of them.
//
// If since isn't "", it leaves out the nodes and records that were written by the commit of that rev or earlier ones,
// which the reader has.
//
// Errors: those of w, as they are or wrapped; [ErrCorrupt], after part of the file was written; storage.ErrNotFound
// if there is no such repo, before anything is written.
func (e *Engine) Export(ctx context.Context, did syntax.DID, since syntax.TID, w io.Writer) error {
	return e.store.Snapshot(ctx, func(r storage.RepoReader) error {
		head, err := r.Head(ctx, did)
		if err != nil {
			return fmt.Errorf("repo: %w", err)
		}
		out := bufio.NewWriterSize(w, 64<<10)
		if _, err := out.Write(data.AppendCARHeader(nil, head.Commit)); err != nil {
			return err
		}
		if err := data.WriteCARBlock(out, head.Commit, head.Block); err != nil {
			return err
		}
		if since == "" {
			err = exportAll(ctx, r, head, out)
		} else {
			err = exportSince(ctx, r, head, since, out)
		}
		if err != nil {
			return err
		}
		return out.Flush()
	})
}

// exportAll takes the records from one scan of them, since the order of their paths is that of the tree.
func exportAll(ctx context.Context, r storage.RepoReader, head storage.Head, out io.Writer) error {
	walk := storedWalk(ctx, r, head.DID, head.Data, wholeAhead, (*branch).read)
	for rec, err := range r.Records(ctx, head.DID, storage.RecordRange{}) {
		if err != nil {
			return fmt.Errorf("repo: %w", err)
		}
		leaf, err := exportNodes(walk, out)
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF || leaf.path != rec.Path || leaf.value != rec.CID {
			return fmt.Errorf("%w: record %s isn't in the tree", ErrCorrupt, rec.Path)
		}
		if err := data.WriteCARBlock(out, rec.CID, rec.Bytes); err != nil {
			return err
		}
	}
	leaf, err := exportNodes(walk, out)
	if err == nil {
		return fmt.Errorf("%w: record %s of the tree isn't stored", ErrCorrupt, leaf.path)
	}
	if err != io.EOF {
		return err
	}
	return nil
}

// exportNodes writes the nodes up to the next record, which it returns, or io.EOF.
func exportNodes(walk *walk, out io.Writer) (step, error) {
	for {
		s, err := walk.next()
		if err != nil || s.node == nil {
			return s, err
		}
		if err := data.WriteCARBlock(out, s.node.CID, s.node.Bytes); err != nil {
			return step{}, err
		}
	}
}

// exportSince goes only where something has changed: a node that is older than a rev has nothing newer below it.
func exportSince(ctx context.Context, r storage.RepoReader, head storage.Head, since syntax.TID, out io.Writer) error {
	walk := storedWalk(ctx, r, head.DID, head.Data, wholeAhead, func(b *branch) error {
		if b.Rev <= since {
			return nil
		}
		return b.read()
	})
	var records map[cid.Cid]storage.Block // of some twigs from the current one on
	for {
		s, err := walk.next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case s.node != nil && s.node.Rev > since:
			err = data.WriteCARBlock(out, s.node.CID, s.node.Bytes)
		case s.node == nil:
			b, ok := records[s.value]
			if !ok {
				if records, err = loadRecords(ctx, r, head.DID, s.in); err != nil {
					return err
				}
				b = records[s.value]
			}
			if b.Rev > since {
				err = data.WriteCARBlock(out, b.CID, b.Bytes)
			}
		}
		if err != nil {
			return err
		}
	}
}

// loadRecords loads the record that a visit has just come to, and some after it on the same node.
func loadRecords(ctx context.Context, r storage.RepoReader, did syntax.DID, v *visit) (map[cid.Cid]storage.Block, error) {
	var want []cid.Cid
	for _, t := range v.twigs[v.next-1:] {
		if t.value.Defined() && len(want) < 16 {
			want = append(want, t.value)
		}
	}
	blocks, err := r.Blocks(ctx, did, want)
	if err != nil {
		return nil, fmt.Errorf("repo: %w", err)
	}
	records := make(map[cid.Cid]storage.Block, len(blocks))
	for _, b := range blocks {
		records[b.CID] = b
	}
	if _, ok := records[want[0]]; !ok {
		return nil, fmt.Errorf("%w: no record %s", ErrCorrupt, want[0])
	}
	return records, nil
}
