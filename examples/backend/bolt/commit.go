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
			row, err := t.blob(c.Head.DID, blob.String())
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return 0, err
			}
			if !c.AllowMissingBlobs && (err != nil || row.Claimed) {
				return 0, fmt.Errorf("%w: blob %s", storage.ErrNotFound, blob)
			}
		}
		if err := t.write(g, w, c.Head.Rev, touched); err != nil {
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

// write puts or deletes a record, and notes the blobs that it and the record before it refer to.
func (t tx) write(g generation, w storage.RecordWrite, rev syntax.TID, touched map[cid.Cid]bool) error {
	_, old, err := t.record(g, w.Path)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if err == nil {
		if err := t.unwrite(g, w.Path, old, touched); err != nil {
			return err
		}
	}
	if !w.CID.Defined() {
		return nil
	}
	row, err := encode(recordRow{CID: w.CID, Rev: rev.String(), TakedownRef: old.TakedownRef, Blobs: w.Blobs}, w.Bytes)
	if err != nil {
		return err
	}
	errs := []error{
		t.put(records, key(g, w.Path), row),
		t.put(recordCIDs, key(g, w.CID.Bytes(), w.Path), nil),
		t.set(recordTakedowns, key(g, w.Path), old.TakedownRef != ""),
	}
	for _, blob := range w.Blobs {
		touched[blob] = true
		errs = append(errs, t.put(refs, key(g, blob.String(), w.Path), []byte(rev)))
	}
	return errors.Join(errs...)
}

func (t tx) unwrite(g generation, path string, old recordRow, touched map[cid.Cid]bool) error {
	errs := []error{
		t.delete(records, key(g, path)),
		t.delete(recordCIDs, key(g, old.CID.Bytes(), path)),
		t.delete(recordTakedowns, key(g, path)),
	}
	for _, blob := range old.Blobs {
		touched[blob] = true
		errs = append(errs, t.delete(refs, key(g, blob.String(), path)))
	}
	return errors.Join(errs...)
}
