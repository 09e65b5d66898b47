package sqlite

import (
	"context"
	"fmt"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// dropStaleTakedowns removes the takedowns of records that a repo's new content ?2 doesn't have.
const dropStaleTakedowns = `DELETE FROM record_takedowns WHERE did = ?1
	AND NOT EXISTS (SELECT 1 FROM records r WHERE r.content = ?2 AND r.path = record_takedowns.path)`

// SetTakedown implements [storage.Takedowns].
func (s *Store) SetTakedown(ctx context.Context, t storage.Takedown) error {
	return writeOnly(ctx, s.writer, func(db *conn) error {
		if t.Blob.Defined() {
			return setBlobTakedown(db, t)
		}
		return setRecordTakedown(db, t)
	})
}

func setRecordTakedown(db *conn, t storage.Takedown) error {
	there, err := exists(db, `SELECT 1 FROM records WHERE content = `+contentOf+` AND path = ?2`, t.DID, t.Path)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("sqlite: record %s of %s: %w", t.Path, t.DID, storage.ErrNotFound)
	}
	if t.Ref == "" {
		return dropRecordTakedown(db, t.DID, t.Path)
	}
	return db.exec(`INSERT OR REPLACE INTO record_takedowns (did, path, ref) VALUES (?1, ?2, ?3)`, t.DID, t.Path, t.Ref)
}

func dropRecordTakedown(db *conn, did syntax.DID, path string) error {
	return db.exec(`DELETE FROM record_takedowns WHERE did = ?1 AND path = ?2`, did, path)
}

func setBlobTakedown(db *conn, t storage.Takedown) error {
	id := t.Blob.String()
	there, err := exists(db, `SELECT 1 FROM blobs WHERE did = ?1 AND cid = ?2 AND state <> 3`, t.DID, id)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("sqlite: blob %s of %s: %w", id, t.DID, storage.ErrNotFound)
	}
	return db.exec(`UPDATE blobs SET takedown = ?3 WHERE did = ?1 AND cid = ?2`, t.DID, id, t.Ref)
}

// selectTakedowns has to repeat the condition of the index blobs_taken_down. A blob that is about
// to be deleted has no takedown.
const selectTakedowns = `SELECT 0 AS blobs, path AS name, ref FROM record_takedowns WHERE did = ?1
	UNION ALL SELECT 1, cid, takedown FROM blobs INDEXED BY blobs_taken_down WHERE did = ?1 AND takedown <> ''
	ORDER BY blobs, name`

// ListTakedowns implements [storage.Takedowns].
func (s *Store) ListTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Takedown, error] {
	scan := func(r *lite.Stmt) (t storage.Takedown, err error) {
		t = storage.Takedown{DID: did, Ref: r.ColumnText(2)}
		if blob := r.ColumnBool(0); blob {
			t.Blob, err = columnCIDText(r, 1)
			return t, err
		}
		t.Path = r.ColumnText(1)
		return t, nil
	}
	return list(ctx, s.readers, func(db *conn) iter.Seq2[storage.Takedown, error] {
		return each(ctx, db, scan, selectTakedowns, did)
	})
}
