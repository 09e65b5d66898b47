package bolt

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// blobRow is what is known of a blob.
type blobRow struct {
	storage.Blob
	Orphaned bool // it lost its last reference and wasn't uploaded since
	Claimed  bool // it's about to be deleted
}

type storedBlob struct {
	blobRow
	DID string
}

// PutBlob implements [storage.BlobIndex].
func (s *Store) PutBlob(ctx context.Context, b storage.Blob) error {
	return s.update(ctx, func(t tx) error {
		b.CreatedAt = b.CreatedAt.UTC()
		old, err := t.blob(b.DID, b.CID.String())
		if errors.Is(err, storage.ErrNotFound) {
			g, err := t.content(b.DID)
			if err != nil {
				return err
			}
			new := blobRow{Blob: b}
			new.Referenced = g != 0 && t.refers(g, b.CID.String())
			return t.putBlob(blobRow{}, new)
		}
		if err != nil {
			return err
		}
		if old.Claimed {
			return storage.ErrConflict
		}
		new := old
		new.CreatedAt = b.CreatedAt
		if !new.Referenced {
			new.MIMEType, new.Orphaned = b.MIMEType, false
		}
		return t.putBlob(old, new)
	})
}

// Blob implements [storage.BlobIndex].
func (s *Store) Blob(ctx context.Context, did syntax.DID, c cid.Cid) (storage.Blob, error) {
	return view(ctx, s, func(t tx) (storage.Blob, error) {
		row, err := t.blob(did, c.String())
		if err == nil && row.Claimed {
			err = storage.ErrNotFound
		}
		if err != nil {
			return storage.Blob{}, err
		}
		return row.Blob, nil
	})
}

// ListBlobs implements [storage.BlobIndex].
func (s *Store) ListBlobs(
	ctx context.Context, did syntax.DID, since syntax.TID, after string, limit int,
) iter.Seq2[cid.Cid, error] {
	return list(ctx, s, func(t tx, yield func(cid.Cid) bool) error {
		n, previous := 0, after
		return t.references(did, after, func(blob, _ string, rev syntax.TID) (bool, error) {
			if blob == previous || rev <= since {
				return true, nil
			}
			previous = blob
			if n++; n > limit {
				return false, nil
			}
			c, err := cid.Decode(blob)
			return err == nil && yield(c), err
		})
	})
}

// ListMissingBlobs implements [storage.BlobIndex].
func (s *Store) ListMissingBlobs(
	ctx context.Context, did syntax.DID, after string, limit int,
) iter.Seq2[storage.BlobRef, error] {
	return list(ctx, s, func(t tx, yield func(storage.BlobRef) bool) error {
		n, previous := 0, after
		return t.references(did, after, func(blob, path string, _ syntax.TID) (bool, error) {
			if blob == previous {
				return true, nil
			}
			previous = blob
			switch row, err := t.blob(did, blob); {
			case err == nil && !row.Claimed:
				return true, nil
			case err != nil && !errors.Is(err, storage.ErrNotFound):
				return false, err
			}
			if n++; n > limit {
				return false, nil
			}
			c, err := cid.Decode(blob)
			return err == nil && yield(storage.BlobRef{CID: c, Path: path}), err
		})
	})
}

// references calls each with the references of a repo from those to a blob on, until it returns false.
func (t tx) references(
	did syntax.DID, from string, each func(blob, path string, rev syntax.TID) (bool, error),
) error {
	g, err := t.content(did)
	if err != nil || g == 0 {
		return err
	}
	for k, rev := range t.scan(refs, key(g, from), key(g+1)) {
		blob := firstPart(k[8:])
		more, err := each(blob, string(k[8+len(blob)+1:]), syntax.TID(rev))
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// firstPart is what stands before the first zero.
func firstPart(k []byte) string {
	first, _, _ := bytes.Cut(k, []byte{0})
	return string(first)
}

// SetBlobTakedown implements [storage.BlobIndex].
func (s *Store) SetBlobTakedown(ctx context.Context, did syntax.DID, c cid.Cid, ref string) error {
	return s.update(ctx, func(t tx) error {
		old, err := t.blob(did, c.String())
		if err == nil && old.Claimed {
			err = storage.ErrNotFound
		}
		if err != nil {
			return err
		}
		new := old
		new.TakedownRef = ref
		return t.putBlob(old, new)
	})
}

// ListBlobTakedowns implements [storage.BlobIndex].
func (s *Store) ListBlobTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Blob, error] {
	return list(ctx, s, func(t tx, yield func(storage.Blob) bool) error {
		for k := range t.prefixed(blobTakedowns, begin(did.String())) {
			row, err := t.blob(did, last(k))
			if err != nil {
				return err
			}
			if !yield(row.Blob) {
				return nil
			}
		}
		return nil
	})
}

// ClaimBlobs implements [storage.BlobIndex].
func (s *Store) ClaimBlobs(ctx context.Context, before time.Time, limit int) (ids []storage.BlobID, err error) {
	err = s.update(ctx, func(t tx) error {
		var claim []blobRow
		for _, k := range t.scan(idleBlobs, nil, key([]byte{temporary}, before)) {
			if len(claim) >= limit {
				break
			}
			row, err := decodeBlob(t.get(blobs, k))
			if err != nil {
				return err
			}
			claim = append(claim, row)
		}
		ids = nil
		for _, old := range claim {
			new := old
			new.Claimed = true
			if err := t.putBlob(old, new); err != nil {
				return err
			}
			ids = append(ids, storage.BlobID{DID: new.DID, CID: new.CID})
		}
		return nil
	})
	return ids, err
}

// RemoveBlob implements [storage.BlobIndex].
func (s *Store) RemoveBlob(ctx context.Context, id storage.BlobID) error {
	return s.update(ctx, func(t tx) error {
		row, err := t.blob(id.DID, id.CID.String())
		if errors.Is(err, storage.ErrNotFound) || err == nil && !row.Claimed {
			return nil
		}
		if err != nil {
			return err
		}
		k := row.key()
		return errors.Join(t.delete(blobs, k), t.delete(idleBlobs, row.idleKey()), t.delete(blobTakedowns, k))
	})
}

// blob returns what is known of a blob. Error: [storage.ErrNotFound].
func (t tx) blob(did syntax.DID, c string) (blobRow, error) {
	return decodeBlob(t.get(blobs, key(did.String(), c)))
}

func decodeBlob(b []byte) (row blobRow, err error) {
	if b == nil {
		return row, storage.ErrNotFound
	}
	var stored storedBlob
	_, err = decode(b, &stored)
	row = stored.blobRow
	row.DID = syntax.DID(stored.DID)
	return row, err
}

func (b blobRow) key() []byte { return key(b.DID.String(), b.CID.String()) }

// The urgencies of deletion.
const (
	claimed byte = iota
	orphaned
	temporary
)

func (b blobRow) idleKey() []byte {
	urgency := temporary
	switch {
	case b.Claimed:
		urgency = claimed
	case b.Orphaned:
		urgency = orphaned
	}
	return key([]byte{urgency}, b.CreatedAt, b.key())
}

// idle says whether b is one for [Store.ClaimBlobs], now or when it's older.
func (b blobRow) idle() bool { return b.Claimed || !b.Referenced && b.TakedownRef == "" }

// putBlob replaces the row old, if there is one, by new.
func (t tx) putBlob(old, new blobRow) error {
	row, err := encode(storedBlob{new, new.DID.String()}, nil)
	if err != nil {
		return err
	}
	k := new.key()
	errs := []error{t.put(blobs, k, row), t.set(blobTakedowns, k, new.TakedownRef != "")}
	if old.CID.Defined() {
		errs = append(errs, t.delete(idleBlobs, old.idleKey()))
	}
	if new.idle() {
		errs = append(errs, t.put(idleBlobs, new.idleKey(), k))
	}
	return errors.Join(errs...)
}

func (t tx) refers(g generation, blob string) bool { return t.has(refs, begin(g, blob)) }

// settle notes whether a blob has gained its first reference or lost its last one.
func (t tx) settle(did syntax.DID, g generation, blob string) error {
	old, err := t.blob(did, blob)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil || old.Referenced == t.refers(g, blob) {
		return err
	}
	new := old
	new.Referenced, new.Orphaned = !old.Referenced, old.Referenced
	return t.putBlob(old, new)
}

// orphanBlobs queues all blobs of an account for deletion.
func (t tx) orphanBlobs(did syntax.DID) error {
	var rows []blobRow
	for _, b := range t.prefixed(blobs, begin(did.String())) {
		row, err := decodeBlob(b)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	for _, old := range rows {
		new := old
		new.Referenced, new.TakedownRef, new.Orphaned = false, "", true
		if err := t.putBlob(old, new); err != nil {
			return err
		}
	}
	return nil
}
