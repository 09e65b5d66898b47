package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// PutKey implements [storage.Keys].
func (s *Store) PutKey(ctx context.Context, name string, sealed []byte) error {
	return writeOnly(ctx, s.writer, func(db *conn) error {
		old, err := key(db, name)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			return db.exec(`INSERT INTO keys (name, sealed) VALUES (?1, ?2)`, name, sealed)
		case err == nil && !bytes.Equal(old, sealed):
			return fmt.Errorf("sqlite: key %q: %w", name, storage.ErrExists)
		}
		return err
	})
}

// Key implements [storage.Keys].
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	return read(ctx, s.readers, func(db *conn) ([]byte, error) { return key(db, name) })
}

// DeleteKey implements [storage.Keys].
func (s *Store) DeleteKey(ctx context.Context, name string) error {
	return writeOnly(ctx, s.writer, func(db *conn) error { return db.exec(`DELETE FROM keys WHERE name = ?1`, name) })
}

func key(db *conn, name string) ([]byte, error) {
	return one(db, scanBytes, `SELECT sealed FROM keys WHERE name = ?1`, name)
}

func scanBytes(r *lite.Stmt) ([]byte, error) { return columnBytes(r, 0), nil }
