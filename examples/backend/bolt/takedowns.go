package bolt

import (
	"context"
	"iter"
	"math"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// SetTakedown implements [storage.Takedowns].
func (s *Store) SetTakedown(ctx context.Context, d storage.Takedown) error {
	return s.update(ctx, func(t tx) error {
		if d.Blob.Defined() {
			return t.takeDownBlob(d)
		}
		g, err := t.content(d.DID)
		if err != nil {
			return err
		}
		if t.get(records, key(g, d.Path)) == nil {
			return storage.ErrNotFound
		}
		return t.setTakedown(recordTakedowns, key(d.DID.String(), d.Path), d.Ref)
	})
}

// takeDownBlob also writes the blob's row: whether a blob is idle depends on its takedown.
func (t tx) takeDownBlob(d storage.Takedown) error {
	old, err := t.blob(d.DID, d.Blob.String())
	if err != nil {
		return err
	}
	if old.Claimed {
		return storage.ErrNotFound
	}
	new := old
	new.TakedownRef = d.Ref
	if err := t.setTakedown(blobTakedowns, new.key(), d.Ref); err != nil {
		return err
	}
	return t.putBlob(old, new)
}

func (t tx) setTakedown(bucket, k []byte, ref string) error {
	if ref == "" {
		return t.delete(bucket, k)
	}
	return t.put(bucket, k, []byte(ref))
}

// ListTakedowns implements [storage.Takedowns].
func (s *Store) ListTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Takedown, error] {
	return list(ctx, s, func(t tx, yield func(storage.Takedown) bool) error {
		prefix := begin(did.String())
		for k, ref := range t.prefixed(recordTakedowns, prefix) {
			if !yield(storage.Takedown{DID: did, Path: string(k[len(prefix):]), Ref: string(ref)}) {
				return nil
			}
		}
		for k, ref := range t.prefixed(blobTakedowns, prefix) {
			c, err := cid.Decode(string(k[len(prefix):]))
			if err != nil {
				return err
			}
			if !yield(storage.Takedown{DID: did, Blob: c, Ref: string(ref)}) {
				return nil
			}
		}
		return nil
	})
}

// pruneTakedowns removes takedowns of records that a repo, whose content is now g, doesn't have.
func (t tx) pruneTakedowns(did syntax.DID, g generation) error {
	var ended [][]byte
	prefix := begin(did.String())
	for k := range t.prefixed(recordTakedowns, prefix) {
		if t.get(records, key(g, k[len(prefix):])) == nil {
			ended = append(ended, clone(k))
		}
	}
	for _, k := range ended {
		if err := t.delete(recordTakedowns, k); err != nil {
			return err
		}
	}
	return nil
}

// dropTakedowns removes all takedowns of an account.
func (t tx) dropTakedowns(did syntax.DID) error {
	for _, bucket := range [][]byte{recordTakedowns, blobTakedowns} {
		if _, err := t.deleteAll(bucket, begin(did.String()), math.MaxInt); err != nil {
			return err
		}
	}
	return nil
}
