package sqlite

import (
	"context"
	"fmt"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// dropStaleTakedowns removes the takedowns of records that a repo's new content ?2 doesn't have.
const dropStaleTakedowns = `DELETE FROM record_takedowns WHERE did = ?1
	AND NOT EXISTS (SELECT 1 FROM records r WHERE r.content = ?2 AND r.path = record_takedowns.path)`

// SetRecordTakedown implements [storage.Repos].
func (s *Store) SetRecordTakedown(ctx context.Context, did syntax.DID, path, ref string) error {
	return writeOnly(ctx, s.writer, func(db *conn) error {
		there, err := exists(db, `SELECT 1 FROM records WHERE content = `+contentOf+` AND path = ?2`, did, path)
		if err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("sqlite: record %s of %s: %w", path, did, storage.ErrNotFound)
		}
		if ref == "" {
			return dropRecordTakedown(db, did, path)
		}
		return db.exec(`INSERT OR REPLACE INTO record_takedowns (did, path, ref) VALUES (?1, ?2, ?3)`, did, path, ref)
	})
}

// ListRecordTakedowns implements [storage.Repos].
func (s *Store) ListRecordTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Record, error] {
	return list(ctx, s.readers, func(db *conn) iter.Seq2[storage.Record, error] {
		return each(ctx, db, scanRecord, selectRecordTakedowns, did)
	})
}

// selectRecordTakedowns begins with the takedowns, which are fewer than the records.
const selectRecordTakedowns = `SELECT r.path, r.cid, r.rev, r.bytes, t.ref FROM record_takedowns t
	CROSS JOIN records r ON r.content = ` + contentOf + ` AND r.path = t.path WHERE t.did = ?1 ORDER BY t.path`

func dropRecordTakedown(db *conn, did syntax.DID, path string) error {
	return db.exec(`DELETE FROM record_takedowns WHERE did = ?1 AND path = ?2`, did, path)
}
