package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

const documentColumns = `kind, id, owner, value, issued, expires`

// PutDocument implements [storage.Documents].
func (s *Store) PutDocument(ctx context.Context, d storage.NewDocument) error {
	return writeOnly(ctx, s.writer, func(db *conn) error { return putDocument(db, d) })
}

func putDocument(db *conn, d storage.NewDocument) error {
	if err := checkGuard(db, d.Owner, d.Guard); err != nil {
		return err
	}
	old, err := document(db, d.Kind, d.ID)
	switch {
	case err == nil && (old.ExpiresAt.IsZero() || old.ExpiresAt.After(d.IssuedAt)):
		return fmt.Errorf("sqlite: document of kind %q: %w", d.Kind, storage.ErrExists)
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return err
	}
	if d.Limit > 0 {
		others, err := countUnexpired(db, d.Document, d.Limit)
		if err != nil {
			return err
		}
		if others >= int64(d.Limit) {
			return fmt.Errorf("sqlite: documents of kind %q of %s: %w", d.Kind, d.Owner, storage.ErrLimit)
		}
	}
	return storeDocument(db, d.Document)
}

// Document implements [storage.Documents].
func (s *Store) Document(ctx context.Context, kind, id string) (storage.Document, error) {
	return read(ctx, s.readers, func(db *conn) (storage.Document, error) { return document(db, kind, id) })
}

// TakeDocument implements [storage.Documents].
func (s *Store) TakeDocument(ctx context.Context, kind, id string) (storage.Document, error) {
	return write(ctx, s.writer, func(db *conn) (storage.Document, error) {
		d, err := document(db, kind, id)
		if err != nil {
			return storage.Document{}, err
		}
		return d, db.exec(`DELETE FROM documents WHERE kind = ?1 AND id = ?2`, kind, id)
	})
}

// SwapDocument implements [storage.Documents].
func (s *Store) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	return writeOnly(ctx, s.writer, func(db *conn) error {
		if err := checkGuard(db, new.Owner, new.Guard); err != nil {
			return err
		}
		if err := checkDocument(db, old); err != nil {
			return err
		}
		return storeDocument(db, new.Document)
	})
}

// DeleteDocuments implements [storage.Documents].
func (s *Store) DeleteDocuments(ctx context.Context, owner syntax.DID, kinds ...string) error {
	return writeOnly(ctx, s.writer, func(db *conn) error {
		for _, kind := range kinds {
			err := db.exec(`DELETE FROM documents INDEXED BY documents_by_owner
				WHERE owner = ?1 AND owner <> '' AND kind = ?2`, owner, kind)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// expireDocuments has to repeat the condition of the index documents_by_expiry, which leaves out
// the documents that never expire.
const expireDocuments = `DELETE FROM documents WHERE (kind, id) IN (
	SELECT kind, id FROM documents WHERE expires <> -62135596800000000 AND expires <= ?1 ORDER BY expires LIMIT ?2)`

// ExpireDocuments implements [storage.Documents].
func (s *Store) ExpireDocuments(ctx context.Context, now time.Time, limit int) (int, error) {
	return write(ctx, s.writer, func(db *conn) (int, error) {
		err := db.exec(expireDocuments, now, max(limit, 0))
		return db.Changes(), err
	})
}

func document(db *conn, kind, id string) (storage.Document, error) {
	return one(db, scanDocument, `SELECT `+documentColumns+` FROM documents WHERE kind = ?1 AND id = ?2`, kind, id)
}

// checkDocument returns [storage.ErrConflict] if the stored document has another value than old.
func checkDocument(db *conn, old storage.Document) error {
	d, err := document(db, old.Kind, old.ID)
	if err != nil {
		return err
	}
	if !bytes.Equal(d.Value, old.Value) {
		return fmt.Errorf("sqlite: document of kind %q: %w", old.Kind, storage.ErrConflict)
	}
	return nil
}

func storeDocument(db *conn, d storage.Document) error {
	return db.exec(`INSERT OR REPLACE INTO documents (`+documentColumns+`) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
		d.Kind, d.ID, d.Owner, d.Value, d.IssuedAt, d.ExpiresAt)
}

func scanDocument(r *lite.Stmt) (storage.Document, error) {
	return storage.Document{
		Kind:      r.ColumnText(0),
		ID:        r.ColumnText(1),
		Owner:     syntax.DID(r.ColumnText(2)),
		Value:     columnBytes(r, 3),
		IssuedAt:  columnTime(r, 4),
		ExpiresAt: columnTime(r, 5),
	}, nil
}
