package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// The states of a blob, as in the table's column.
const (
	blobTemporary  = 0
	blobReferenced = 1
	blobOrphaned   = 2 // has lost its last reference
	blobClaimed    = 3 // about to be deleted
)

const blobColumns = `did, cid, size, mime, created, takedown, state`

const contentOf = `(SELECT content FROM repos WHERE did = ?1)`

// PutBlob implements [storage.BlobIndex].
func (s *Store) PutBlob(ctx context.Context, b storage.Blob, g *storage.Guard) error {
	return writeOnly(ctx, s.writer, func(db *conn) error { return putBlob(db, b, g) })
}

func putBlob(db *conn, b storage.Blob, g *storage.Guard) error {
	id := b.CID.String()
	hosted, err := exists(db, `SELECT 1 FROM accounts WHERE did = ?1`, b.DID)
	if err != nil {
		return err
	}
	if !hosted {
		return fmt.Errorf("sqlite: blob %s: account %s: %w", id, b.DID, storage.ErrNotFound)
	}
	if err := checkGuard(db, b.DID, g); err != nil {
		return err
	}
	state, err := one(db, scanInt, `SELECT state FROM blobs WHERE did = ?1 AND cid = ?2`, b.DID, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return db.exec(`INSERT INTO blobs (did, cid, size, mime, created, takedown, state)
			SELECT ?1, ?2, ?3, ?4, ?5, ?6, EXISTS (SELECT 1 FROM blob_refs WHERE content = `+contentOf+` AND cid = ?2)`,
			b.DID, id, b.Size, b.MIMEType, b.CreatedAt, b.TakedownRef)
	case err != nil:
		return err
	case state == blobClaimed:
		return fmt.Errorf("sqlite: blob %s is being deleted: %w", id, storage.ErrConflict)
	case state == blobReferenced:
		return db.exec(`UPDATE blobs SET created = ?3 WHERE did = ?1 AND cid = ?2`, b.DID, id, b.CreatedAt)
	}
	return db.exec(`UPDATE blobs SET created = ?3, mime = ?4, state = ?5 WHERE did = ?1 AND cid = ?2`,
		b.DID, id, b.CreatedAt, b.MIMEType, blobTemporary)
}

// Blob implements [storage.BlobIndex].
func (s *Store) Blob(ctx context.Context, did syntax.DID, c cid.Cid) (storage.Blob, error) {
	return read(ctx, s.readers, func(db *conn) (storage.Blob, error) {
		return one(db, scanBlob, `SELECT `+blobColumns+` FROM blobs WHERE did = ?1 AND cid = ?2 AND state <> 3`, did, c.String())
	})
}

// The blobs that records refer to, each with the least path: all, and those that the account doesn't
// have.
const (
	selectBlobRefs = `SELECT cid, min(path) FROM blob_refs r WHERE content = ` + contentOf + ` AND cid > ?2 AND rev > ?3 `
	listBlobRefs   = selectBlobRefs + `GROUP BY cid ORDER BY cid LIMIT ?4`
	listMissing    = selectBlobRefs + `AND NOT EXISTS (SELECT 1 FROM blobs b WHERE b.did = ?1 AND b.cid = r.cid AND b.state <> 3)
		GROUP BY cid ORDER BY cid LIMIT ?4`
)

// ListBlobs implements [storage.BlobIndex].
func (s *Store) ListBlobs(ctx context.Context, did syntax.DID, r storage.BlobRange) iter.Seq2[storage.BlobRef, error] {
	limit := r.Limit
	if limit <= 0 {
		limit = -1 // none
	}
	query := listBlobRefs
	if r.Missing {
		query = listMissing
	}
	return list(ctx, s.readers, func(db *conn) iter.Seq2[storage.BlobRef, error] {
		return each(ctx, db, scanBlobRef, query, did, r.After, r.Since, limit)
	})
}

// ClaimBlobs implements [storage.BlobIndex]. It reads ranges of an index that has no other blobs than those that may be claimed some day.
func (s *Store) ClaimBlobs(ctx context.Context, uploadedBefore time.Time, limit int) ([]storage.BlobID, error) {
	return write(ctx, s.writer, func(db *conn) ([]storage.BlobID, error) {
		const from = `SELECT did, cid FROM blobs INDEXED BY blobs_to_claim WHERE state <> 1 AND takedown = '' AND `
		limit := max(limit, 0)
		ids, err := all(db, scanBlobID, from+`state = 3 LIMIT ?1`, limit)
		if err != nil {
			return nil, err
		}
		marked := len(ids)
		orphans, err := all(db, scanBlobID, from+`state = 2 LIMIT ?1`, limit-len(ids))
		if err != nil {
			return nil, err
		}
		ids = append(ids, orphans...)
		temporary, err := all(db, scanBlobID, from+`state = 0 AND created < ?1 LIMIT ?2`, uploadedBefore, limit-len(ids))
		if err != nil {
			return nil, err
		}
		ids = append(ids, temporary...)
		for _, id := range ids[marked:] {
			err := db.exec(`UPDATE blobs SET state = 3 WHERE did = ?1 AND cid = ?2`, id.DID, id.CID.String())
			if err != nil {
				return nil, err
			}
		}
		return ids, nil
	})
}

// RemoveBlob implements [storage.BlobIndex].
func (s *Store) RemoveBlob(ctx context.Context, id storage.BlobID) error {
	return writeOnly(ctx, s.writer, func(db *conn) error {
		return db.exec(`DELETE FROM blobs WHERE did = ?1 AND cid = ?2 AND state = 3`, id.DID, id.CID.String())
	})
}

// scanBlob reads blobColumns.
func scanBlob(r *lite.Stmt) (storage.Blob, error) {
	c, err := columnCIDText(r, 1)
	return storage.Blob{
		DID:         syntax.DID(r.ColumnText(0)),
		CID:         c,
		Size:        r.ColumnInt64(2),
		MIMEType:    r.ColumnText(3),
		CreatedAt:   columnTime(r, 4),
		TakedownRef: r.ColumnText(5),
		Referenced:  r.ColumnInt64(6) == blobReferenced,
	}, err
}

func scanBlobID(r *lite.Stmt) (storage.BlobID, error) {
	c, err := columnCIDText(r, 1)
	return storage.BlobID{DID: syntax.DID(r.ColumnText(0)), CID: c}, err
}

func scanBlobRef(r *lite.Stmt) (storage.BlobRef, error) {
	c, err := columnCIDText(r, 0)
	return storage.BlobRef{CID: c, Path: r.ColumnText(1)}, err
}
