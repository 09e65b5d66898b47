package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

const (
	newerNodes   = 256            // visited for one collection, at most
	newerRecords = 4 * newerNodes // looked at for one collection, at most: whoever chooses the keys says how many a node has
	newerAhead   = 4              // nodes to load at once: most of what is new lies along one path
)

// Newer returns the records of some collections that were written after the commit of a rev: of each collection up to
// limit, those with the greatest keys, in descending order. Records that were written anew are among them.
//
// Its cost grows with what has changed in the collections since then, not with what is in them. Where more has changed
// than 256 nodes of the tree show, or these have more than 1024 records, the rest is left out. A repo that doesn't exist has
// no records.
func (e *Engine) Newer(
	ctx context.Context, did syntax.DID, since syntax.TID, collections []syntax.NSID, limit int,
) (records []storage.Record, err error) {
	head, err := e.store.Head(ctx, did)
	if errors.Is(err, storage.ErrNotFound) || err == nil && head.Rev <= since {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("repo: %w", err)
	}
	err = e.store.Snapshot(ctx, func(r storage.RepoReader) error {
		head, err := r.Head(ctx, did)
		if err != nil {
			return fmt.Errorf("repo: %w", err)
		}
		for _, collection := range collections {
			found, err := newer(ctx, r, head, since, collection.String(), limit)
			if err != nil {
				return err
			}
			records = append(records, found...)
		}
		return nil
	})
	return records, err
}

// newer walks over the part of a tree that is a collection's, from its end, and goes only where something has changed.
func newer(
	ctx context.Context, r storage.RepoReader, head storage.Head, since syntax.TID, collection string, limit int,
) (records []storage.Record, err error) {
	walk := storedWalk(ctx, r, head.DID, head.Data, newerAhead, func(b *branch) error {
		if b.Rev <= since {
			return nil
		}
		if err := b.read(); err != nil {
			return err
		}
		b.twigs = within(b.twigs, collection+"/", collection+"0") // which comes next
		slices.Reverse(b.twigs)
		return nil
	})
	for nodes, read := 0, 0; nodes < newerNodes && read < newerRecords && len(records) < limit; {
		s, err := walk.next()
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		if s.node != nil {
			nodes++
			continue
		}
		read++
		record, err := r.Record(ctx, head.DID, s.path)
		if err != nil {
			return nil, fmt.Errorf("%w: record %s: %w", ErrCorrupt, s.path, err)
		}
		if record.Rev > since {
			records = append(records, record)
		}
	}
	return records, nil
}

// within returns the twigs of a node at which keys between two can be.
func within(twigs []twig, start, end string) []twig {
	var kept []twig
	for i, t := range twigs {
		first, last := i, i
		if t.child != nil { // its keys are between those beside it
			first, last = i-1, i+1
		}
		if first >= 0 && twigs[first].path > end || last < len(twigs) && twigs[last].path < start {
			continue
		}
		kept = append(kept, t)
	}
	return kept
}
