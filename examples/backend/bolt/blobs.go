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
func (s *Store) PutBlob(ctx context.Context, b storage.Blob, g *storage.Guard) error {
	return s.update(ctx, func(t tx) error {
		if t.get(accounts, key(b.DID.String())) == nil {
			return storage.ErrNotFound
		}
		if err := t.guard(b.DID, g); err != nil {
			return err
		}
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
func (s *Store) ListBlobs(ctx context.Context, did syntax.DID, r storage.BlobRange) iter.Seq2[storage.BlobRef, error] {
	return list(ctx, s, func(t tx, yield func(storage.BlobRef) bool) error {
		g, err := t.content(did)
		if err != nil || g == 0 {
			return err
		}
		n, done := 0, r.After
		for k, rev := range t.scan(refs, key(g, r.After), after(key(g))) {
			blob := firstPart(k[8:])
			if blob == done || syntax.TID(rev) <= r.Since {
				continue
			}
			done = blob
			if r.Missing {
				if there, err := t.hasBlob(did, blob); err != nil {
					return err
				} else if there {
					continue
				}
			}
			if n++; r.Limit > 0 && n > r.Limit {
				return nil
			}
			c, err := cid.Decode(blob)
			if err != nil {
				return err
			}
			if !yield(storage.BlobRef{CID: c, Path: last(k)}) {
				return nil
			}
		}
		return nil
	})
}

// hasBlob reports whether an account has a blob that isn't about to be deleted.
func (t tx) hasBlob(did syntax.DID, c string) (bool, error) {
	row, err := t.blob(did, c)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil && !row.Claimed, err
}

// firstPart is what stands before the first zero.
func firstPart(k []byte) string {
	first, _, _ := bytes.Cut(k, []byte{0})
	return string(first)
}

// ClaimBlobs implements [storage.BlobIndex].
func (s *Store) ClaimBlobs(ctx context.Context, before time.Time, limit int) (ids []storage.BlobID, err error) {
	err = s.update(ctx, func(t tx) error {
		var claim []blobRow
		for _, k := range t.scan(idleBlobs, nil, key([]byte{temporary}, before)) {
			if len(claim) >= limit {
				break
			}
			row, err := t.blobAt(k)
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
		return errors.Join(t.delete(blobs, row.key()), t.delete(idleBlobs, row.idleKey()))
	})
}

// blob returns what is known of a blob. Error: [storage.ErrNotFound].
func (t tx) blob(did syntax.DID, c string) (blobRow, error) { return t.blobAt(key(did.String(), c)) }

func (t tx) blobAt(k []byte) (blobRow, error) {
	b := t.get(blobs, k)
	if b == nil {
		return blobRow{}, storage.ErrNotFound
	}
	var stored storedBlob
	_, err := decode(b, &stored)
	row := stored.blobRow
	row.DID, row.TakedownRef = syntax.DID(stored.DID), string(t.get(blobTakedowns, k))
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
	stored := storedBlob{new, new.DID.String()}
	stored.TakedownRef = "" // in a bucket of its own
	row, err := encode(stored, nil)
	if err != nil {
		return err
	}
	k := new.key()
	errs := []error{t.put(blobs, k, row)}
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

// claimAllBlobs marks all blobs of an account, taken down or not, as about to be deleted.
func (t tx) claimAllBlobs(did syntax.DID) error {
	var rows []blobRow
	for k := range t.prefixed(blobs, begin(did.String())) {
		row, err := t.blobAt(k)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	for _, old := range rows {
		new := old
		new.Referenced, new.Claimed = false, true
		if err := t.putBlob(old, new); err != nil {
			return err
		}
	}
	return nil
}
