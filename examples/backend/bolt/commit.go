package bolt

import (
	"context"
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// Commit implements [storage.Repos].
func (s *Store) Commit(ctx context.Context, c storage.Commit) (seq int64, err error) {
	err = s.update(ctx, func(t tx) error {
		if err := t.guard(c.Head.DID, c.Guard); err != nil {
			return err
		}
		seq, err = t.commit(c)
		return err
	})
	return seq, err
}

// expect returns the repo that c is to change, an empty one if it is the first commit. Error: [storage.ErrConflict].
func (t tx) expect(c storage.Commit) (repoRow, error) {
	r, err := t.repo(c.Head.DID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return r, err
	}
	if r.Commit != c.Prev {
		return r, storage.ErrConflict
	}
	return r, nil
}

func (t tx) newGeneration() (generation, error) {
	n, err := t.Bucket(repos).NextSequence()
	return generation(n), err
}

// commit applies c, whatever its guard says.
func (t tx) commit(c storage.Commit) (int64, error) {
	r, err := t.expect(c)
	if err != nil {
		return 0, err
	}
	g := r.Generation
	if g == 0 {
		if g, err = t.newGeneration(); err != nil {
			return 0, err
		}
	}
	for _, drop := range c.DropNodes {
		if err := t.delete(nodes, key(g, drop.Bytes())); err != nil {
			return 0, err
		}
	}
	for _, b := range c.NewNodes {
		if err := t.putNode(g, b, c.Head.Rev); err != nil {
			return 0, err
		}
	}
	touched := map[cid.Cid]bool{}
	var collections []syntax.NSID
	for _, w := range c.Writes {
		for _, blob := range w.Blobs {
			there, err := t.hasBlob(c.Head.DID, blob.String())
			if err != nil {
				return 0, err
			}
			if !there && !c.AllowMissingBlobs {
				return 0, fmt.Errorf("%w: blob %s", storage.ErrNotFound, blob)
			}
		}
		if err := t.write(c.Head, g, w, touched); err != nil {
			return 0, err
		}
		collections = append(collections, syntax.NSID(collectionOf(w.Path)))
	}
	return t.advance(c, g, touched, collections)
}

// advance makes g the content of the repo and c its head, and appends the events. touched are the blobs whose references
// may have changed, and collections those that may have gained their first record or lost their last one.
func (t tx) advance(c storage.Commit, g generation, touched map[cid.Cid]bool, collections []syntax.NSID) (int64, error) {
	row, err := encode(storedRepo{repoRow{c.Head, g}, c.Head.DID.String(), c.Head.Rev.String()}, nil)
	if err != nil {
		return 0, err
	}
	did := c.Head.DID
	if err := t.put(repos, key(did.String()), row); err != nil {
		return 0, err
	}
	for blob := range touched {
		if err := t.settle(did, g, blob.String()); err != nil {
			return 0, err
		}
	}
	for _, collection := range collections {
		is := t.has(records, key(g, collection.String()+"/"))
		if err := t.set(members, key(collection.String(), did.String()), is); err != nil {
			return 0, err
		}
	}
	return t.append(c.Events)
}

func (t tx) putNode(g generation, b storage.Block, rev syntax.TID) error {
	row, err := encode(rev.String(), b.Bytes)
	if err != nil {
		return err
	}
	return t.put(nodes, key(g, b.CID.Bytes()), row)
}

// write puts or deletes a record. A takedown ends with the record. See [tx.putRow] for touched.
func (t tx) write(head storage.Head, g generation, w storage.RecordWrite, touched map[cid.Cid]bool) error {
	if w.CID.Defined() {
		return t.putRow(g, w.Path, newRow(w, head.Rev), w.Bytes, touched)
	}
	return errors.Join(
		t.removeRow(g, w.Path, touched),
		t.delete(recordTakedowns, key(head.DID.String(), w.Path)))
}
