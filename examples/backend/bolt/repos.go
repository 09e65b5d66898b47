package bolt

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// generation is the number under which a repo's content is.
type generation uint64

type repoRow struct {
	storage.Head
	Generation generation
}

type storedRepo struct {
	repoRow
	DID, Rev string
}

// repo returns a repo. Error: [storage.ErrNotFound].
func (t tx) repo(did syntax.DID) (r repoRow, err error) {
	b := t.get(repos, key(did.String()))
	if b == nil {
		return r, storage.ErrNotFound
	}
	var stored storedRepo
	_, err = decode(b, &stored)
	r = stored.repoRow
	r.DID, r.Rev = syntax.DID(stored.DID), syntax.TID(stored.Rev)
	return r, err
}

// content returns the generation of a repo, 0 if there is none: nothing is under 0.
func (t tx) content(did syntax.DID) (generation, error) {
	r, err := t.repo(did)
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return r.Generation, err
}

// reader reads in a transaction of its own for each call or, in a snapshot, in that of the snapshot.
type reader struct {
	store *Store
	in    *tx
}

func read[V any](ctx context.Context, r reader, do func(tx) (V, error)) (V, error) {
	if r.in == nil {
		return view(ctx, r.store, do)
	}
	if err := ctx.Err(); err != nil {
		var none V
		return none, err
	}
	return do(*r.in)
}

// Snapshot implements [storage.Repos].
func (s *Store) Snapshot(ctx context.Context, read func(storage.RepoReader) error) error {
	_, err := view(ctx, s, func(t tx) (struct{}, error) { return struct{}{}, read(reader{s, &t}) })
	return err
}

// Head implements [storage.RepoReader].
func (s *Store) Head(ctx context.Context, did syntax.DID) (storage.Head, error) {
	return reader{store: s}.Head(ctx, did)
}

func (r reader) Head(ctx context.Context, did syntax.DID) (storage.Head, error) {
	return read(ctx, r, func(t tx) (storage.Head, error) {
		row, err := t.repo(did)
		return row.Head, err
	})
}

// Blocks implements [storage.RepoReader].
func (s *Store) Blocks(ctx context.Context, did syntax.DID, want []cid.Cid) ([]storage.Block, error) {
	return reader{store: s}.Blocks(ctx, did, want)
}

func (r reader) Blocks(ctx context.Context, did syntax.DID, want []cid.Cid) ([]storage.Block, error) {
	return read(ctx, r, func(t tx) (found []storage.Block, err error) {
		row, err := t.repo(did)
		if errors.Is(err, storage.ErrNotFound) {
			return nil, nil
		}
		for _, c := range want {
			b, err := t.block(row, c)
			if errors.Is(err, storage.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			found = append(found, b)
		}
		return found, err
	})
}

func (t tx) block(r repoRow, c cid.Cid) (storage.Block, error) {
	b := storage.Block{CID: c}
	if row := t.get(nodes, key(r.Generation, c.Bytes())); row != nil {
		var rev string
		var err error
		b.Bytes, err = decode(row, &rev)
		b.Rev = syntax.TID(rev)
		return b, err
	}
	if c == r.Commit {
		b.Rev, b.Bytes = r.Rev, clone(r.Block)
		return b, nil
	}
	row, body, err := t.newestRow(r.Generation, c)
	b.Rev, b.Bytes = syntax.TID(row.Rev), body
	return b, err
}

// Collections implements [storage.RepoReader].
func (s *Store) Collections(ctx context.Context, did syntax.DID) ([]syntax.NSID, error) {
	return reader{store: s}.Collections(ctx, did)
}

func (r reader) Collections(ctx context.Context, did syntax.DID) ([]syntax.NSID, error) {
	return read(ctx, r, func(t tx) ([]syntax.NSID, error) {
		g, err := t.content(did)
		if err != nil || g == 0 {
			return nil, err
		}
		return t.collections(g), nil
	})
}

// collections skips from one to the next.
func (t tx) collections(g generation) (all []syntax.NSID) {
	for low := key(g); low != nil; {
		var next []byte
		for k := range t.scan(records, low, key(g+1)) {
			collection := collectionOf(string(k[8:]))
			all = append(all, syntax.NSID(collection))
			next = after(key(g, collection+"/"))
			break
		}
		low = next
	}
	slices.Sort(all) // paths have another order: "a.b/c" comes after "a.b.c/d"
	return all
}

// Stats implements [storage.RepoReader].
func (s *Store) Stats(ctx context.Context, did syntax.DID) (storage.RepoStats, error) {
	return reader{store: s}.Stats(ctx, did)
}

func (r reader) Stats(ctx context.Context, did syntax.DID) (storage.RepoStats, error) {
	return read(ctx, r, func(t tx) (stats storage.RepoStats, err error) {
		g, err := t.content(did)
		if err != nil || g == 0 {
			return stats, err
		}
		for range t.prefixed(nodes, key(g)) {
			stats.Nodes++
		}
		for range t.prefixed(records, key(g)) {
			stats.Records++
		}
		return stats, nil
	})
}

// ListByCollection implements [storage.Repos].
func (s *Store) ListByCollection(
	ctx context.Context, collection syntax.NSID, afterDID syntax.DID, limit int,
) iter.Seq2[syntax.DID, error] {
	return list(ctx, s, func(t tx, yield func(syntax.DID) bool) error {
		n, prefix := 0, begin(collection.String())
		for k := range t.scan(members, append(key(collection.String(), afterDID.String()), 0), after(prefix)) {
			if n++; n > limit || !yield(syntax.DID(k[len(prefix):])) {
				return nil
			}
		}
		return nil
	})
}
