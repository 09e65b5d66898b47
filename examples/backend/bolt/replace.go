package bolt

import (
	"context"
	"fmt"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// step is how many rows are written or removed in one transaction, so that others don't wait for long.
// Rows to be written wait in memory, so their bytes are limited too.
const (
	step      = 500
	stepBytes = 4 << 20
)

// contents are the buckets with what is under a generation.
var contents = [][]byte{nodes, records, recordCIDs, refs, subjects}

// Replace implements [storage.Repos]. The rows are put together under a generation that is garbage until the last write.
func (s *Store) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (seq int64, err error) {
	g, err := s.stage(ctx)
	if err != nil {
		return 0, err
	}
	defer s.unstage(g)
	var batch []storage.Row
	size := 0
	for row, err := range rows {
		if err != nil {
			return 0, err
		}
		batch, size = append(batch, row), size+sizeOf(row)
		if len(batch) == step || size >= stepBytes {
			if err := s.addRows(ctx, g, c.Head.Rev, batch); err != nil {
				return 0, err
			}
			batch, size = batch[:0], 0
		}
	}
	if err := s.addRows(ctx, g, c.Head.Rev, batch); err != nil {
		return 0, err
	}
	err = s.update(ctx, func(t tx) error {
		seq, err = t.replace(c, g)
		return err
	})
	return seq, err
}

func sizeOf(row storage.Row) (n int) {
	if row.Node != nil {
		n += len(row.Node.Bytes)
	}
	if row.Record != nil {
		n += len(row.Record.Bytes)
	}
	return n
}

// stage begins a generation.
func (s *Store) stage(ctx context.Context) (g generation, err error) {
	s.mu.Lock()
	defer s.mu.Unlock() // Maintain waits until it is known as staged
	err = s.update(ctx, func(t tx) error {
		if g, err = t.newGeneration(); err != nil {
			return err
		}
		return t.put(garbage, key(g), nil)
	})
	if err == nil {
		s.staging[g] = true
	}
	return g, err
}

func (s *Store) unstage(g generation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.staging, g)
}

func (s *Store) addRows(ctx context.Context, g generation, rev syntax.TID, rows []storage.Row) error {
	return s.update(ctx, func(t tx) error {
		for _, row := range rows {
			if row.Node != nil {
				if err := t.putNode(g, *row.Node, rev); err != nil {
					return err
				}
			}
			if row.Record != nil {
				if err := t.addRecord(g, *row.Record, rev); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// addRecord stages a record. Without bytes it is one more with those of an earlier row.
func (t tx) addRecord(g generation, w storage.RecordWrite, rev syntax.TID) error {
	row, body := newRow(w, rev), w.Bytes
	if body == nil {
		var err error
		if row, body, err = t.newestRow(g, w.CID); err != nil {
			return fmt.Errorf("%w: earlier row with record %s", err, w.CID)
		}
	}
	return t.putRow(g, w.Path, row, body, map[cid.Cid]bool{})
}

// replace makes what was staged under g the content of the repo, and that before garbage.
func (t tx) replace(c storage.Commit, g generation) (int64, error) {
	if err := t.guard(c.Head.DID, c.Guard); err != nil {
		return 0, err
	}
	old, err := t.expect(c)
	if err != nil {
		return 0, err
	}
	if err := t.delete(garbage, key(g)); err != nil {
		return 0, err
	}
	touched := map[cid.Cid]bool{}
	collections := t.collections(g)
	for _, from := range []generation{old.Generation, g} {
		if from == 0 {
			continue
		}
		for k := range t.prefixed(refs, key(from)) {
			blob, err := cid.Decode(firstPart(k[8:]))
			if err != nil {
				return 0, err
			}
			touched[blob] = true
		}
	}
	if old.Generation != 0 {
		collections = append(collections, t.collections(old.Generation)...)
		if err := t.put(garbage, key(old.Generation), nil); err != nil {
			return 0, err
		}
	}
	if err := t.pruneTakedowns(c.Head.DID, g); err != nil {
		return 0, err
	}
	return t.advance(c, g, touched, collections)
}

// dropRepo makes a repo's content garbage.
func (t tx) dropRepo(did syntax.DID) error {
	g, err := t.content(did)
	if err != nil || g == 0 {
		return err
	}
	for _, collection := range t.collections(g) {
		if err := t.delete(members, key(collection.String(), did.String())); err != nil {
			return err
		}
	}
	if err := t.put(garbage, key(g), nil); err != nil {
		return err
	}
	return t.delete(repos, key(did.String()))
}

// Maintain implements [storage.Maintainer].
func (s *Store) Maintain(ctx context.Context) error {
	for ctx.Err() == nil {
		g, err := s.someGarbage()
		if err != nil || g == 0 {
			return err
		}
		err = s.update(ctx, func(t tx) error {
			for _, bucket := range contents {
				n, err := t.deleteAll(bucket, key(g), step)
				if err != nil || n == step {
					return err // the rest the next time
				}
			}
			return t.delete(garbage, key(g))
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil // what is left, the next call removes
}

// someGarbage returns a generation that nobody puts together, 0 if there is none.
func (s *Store) someGarbage() (generation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return view(context.Background(), s, func(t tx) (generation, error) {
		for k := range t.scan(garbage, nil, nil) {
			if g := generation(number(k)); !s.staging[g] {
				return g, nil
			}
		}
		return 0, nil
	})
}
