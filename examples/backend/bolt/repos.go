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

// recordRow is what is kept of a record, in front of its bytes.
type recordRow struct {
	CID         cid.Cid
	Rev         string
	TakedownRef string
	Blobs       []cid.Cid
}

func (t tx) record(g generation, path string) (storage.Record, recordRow, error) {
	b := t.get(records, key(g, path))
	if b == nil {
		return storage.Record{}, recordRow{}, storage.ErrNotFound
	}
	return decodeRecord(path, b)
}

func decodeRecord(path string, b []byte) (storage.Record, recordRow, error) {
	var row recordRow
	body, err := decode(b, &row)
	return storage.Record{Path: path, CID: row.CID, Rev: syntax.TID(row.Rev), Bytes: body, TakedownRef: row.TakedownRef}, row, err
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
	rec, _, err := t.recordByCID(r.Generation, c)
	b.Rev, b.Bytes = rec.Rev, rec.Bytes
	return b, err
}

func (t tx) recordByCID(g generation, c cid.Cid) (storage.Record, recordRow, error) {
	prefix := key(g, c.Bytes())
	for k := range t.prefixed(recordCIDs, prefix) {
		return t.record(g, string(k[len(prefix):]))
	}
	return storage.Record{}, recordRow{}, storage.ErrNotFound
}

// Record implements [storage.RepoReader].
func (s *Store) Record(ctx context.Context, did syntax.DID, path string) (storage.Record, error) {
	return reader{store: s}.Record(ctx, did, path)
}

func (r reader) Record(ctx context.Context, did syntax.DID, path string) (storage.Record, error) {
	return read(ctx, r, func(t tx) (storage.Record, error) {
		g, err := t.content(did)
		if err != nil {
			return storage.Record{}, err
		}
		rec, _, err := t.record(g, path)
		return rec, err
	})
}

// Records implements [storage.RepoReader].
func (s *Store) Records(ctx context.Context, did syntax.DID, in storage.RecordRange) iter.Seq2[storage.Record, error] {
	return list(ctx, s, func(t tx, yield func(storage.Record) bool) error { return t.records(did, in, yield) })
}

func (r reader) Records(ctx context.Context, did syntax.DID, in storage.RecordRange) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		stopped, err := loop(ctx, *r.in, func(t tx, yield func(storage.Record) bool) error {
			return t.records(did, in, yield)
		}, yield)
		if err != nil && !stopped {
			yield(storage.Record{}, err)
		}
	}
}

func (t tx) records(did syntax.DID, in storage.RecordRange, yield func(storage.Record) bool) error {
	g, err := t.content(did)
	if err != nil || g == 0 {
		return err
	}
	low, high := key(g), key(g+1)
	if in.Collection != "" {
		prefix := in.Collection.String() + "/"
		low, high = key(g, prefix+in.After.String()), after(key(g, prefix))
		if in.After != "" {
			low = append(low, 0) // the first key after it
		}
		if in.Before != "" {
			high = key(g, prefix+in.Before.String())
		}
	}
	scan := t.scan
	if in.Reverse {
		scan = t.scanBack
	}
	n := 0
	for k, v := range scan(records, low, high) {
		if n++; in.Limit > 0 && n > in.Limit {
			return nil
		}
		rec, _, err := decodeRecord(string(k[8:]), v)
		if err != nil {
			return err
		}
		if !yield(rec) {
			return nil
		}
	}
	return nil
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

// SetRecordTakedown implements [storage.Repos].
func (s *Store) SetRecordTakedown(ctx context.Context, did syntax.DID, path, ref string) error {
	return s.update(ctx, func(t tx) error {
		g, err := t.content(did)
		if err != nil {
			return err
		}
		return t.takeDown(g, path, ref)
	})
}

func (t tx) takeDown(g generation, path, ref string) error {
	rec, row, err := t.record(g, path)
	if err != nil {
		return err
	}
	row.TakedownRef = ref
	b, err := encode(row, rec.Bytes)
	if err != nil {
		return err
	}
	return errors.Join(t.put(records, key(g, path), b), t.set(recordTakedowns, key(g, path), ref != ""))
}

// ListRecordTakedowns implements [storage.Repos].
func (s *Store) ListRecordTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Record, error] {
	return list(ctx, s, func(t tx, yield func(storage.Record) bool) error {
		g, err := t.content(did)
		if err != nil || g == 0 {
			return err
		}
		for k := range t.prefixed(recordTakedowns, key(g)) {
			rec, _, err := t.record(g, string(k[8:]))
			if err != nil {
				return err
			}
			if !yield(rec) {
				return nil
			}
		}
		return nil
	})
}
