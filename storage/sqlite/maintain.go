package sqlite

import (
	"context"
	"errors"

	"github.com/pdskit/pdskit/storage"
)

// maintainRows is how many rows Maintain removes in one write: a few milliseconds' worth.
const maintainRows = 200

// Maintain implements [storage.Maintainer]. It removes the rows of contents that are garbage.
func (s *Store) Maintain(ctx context.Context) error {
	s.mu.Lock()
	undiscarded := s.undiscarded
	s.undiscarded = nil
	s.mu.Unlock()
	for _, content := range undiscarded {
		s.discard(ctx, content)
	}
	for {
		left, err := write(ctx, s.writer, removeGarbage)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil || !left {
			return err
		}
	}
}

// removeGarbage removes some garbage and reports whether there was any.
func removeGarbage(db *conn) (bool, error) {
	content, err := one(db, scanInt, `SELECT id FROM contents WHERE state <> 0 AND state = 2 LIMIT 1`)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, sql := range []string{
		`DELETE FROM nodes WHERE id IN (SELECT id FROM nodes WHERE content = ?1 LIMIT ?2)`,
		`DELETE FROM records WHERE content = ?1 AND path IN (SELECT path FROM records WHERE content = ?1 LIMIT ?2)`,
		`DELETE FROM record_cids WHERE content = ?1 AND (tail, path) IN (SELECT tail, path FROM record_cids WHERE content = ?1 LIMIT ?2)`,
		`DELETE FROM fresh_cids WHERE content = ?1 AND path IN (SELECT path FROM fresh_cids WHERE content = ?1 LIMIT ?2)`,
		`DELETE FROM subjects WHERE content = ?1 AND (subject, path) IN (SELECT subject, path FROM subjects WHERE content = ?1 LIMIT ?2)`,
		`DELETE FROM collections WHERE content = ?1 AND name IN (SELECT name FROM collections WHERE content = ?1 LIMIT ?2)`,
		`DELETE FROM blob_refs WHERE content = ?1 AND (cid, path) IN (SELECT cid, path FROM blob_refs WHERE content = ?1 LIMIT ?2)`,
	} {
		if err := db.exec(sql, content, maintainRows); err != nil || db.Changes() > 0 {
			return true, err
		}
	}
	if err := db.exec(`DELETE FROM fresh_nodes WHERE content = ?1`, content); err != nil {
		return true, err
	}
	return true, db.exec(`DELETE FROM contents WHERE id = ?1`, content)
}
