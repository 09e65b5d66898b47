package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

const selectToken = `SELECT kind, id, did, value, issued, expires FROM tokens `

// PutToken implements [storage.Tokens].
func (s *Store) PutToken(ctx context.Context, t storage.Token) error {
	return writeOnly(ctx, s.writer, func(db *conn) error {
		old, err := token(db, t.Kind, t.ID)
		switch {
		case err == nil && old.ExpiresAt.After(t.IssuedAt):
			return fmt.Errorf("sqlite: token of kind %q: %w", t.Kind, storage.ErrExists)
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return err
		}
		return storeToken(db, t)
	})
}

// Token implements [storage.Tokens].
func (s *Store) Token(ctx context.Context, kind, id string) (storage.Token, error) {
	return read(ctx, s.readers, func(db *conn) (storage.Token, error) { return token(db, kind, id) })
}

// TakeToken implements [storage.Tokens].
func (s *Store) TakeToken(ctx context.Context, kind, id string) (storage.Token, error) {
	return write(ctx, s.writer, func(db *conn) (storage.Token, error) {
		t, err := token(db, kind, id)
		if err != nil {
			return storage.Token{}, err
		}
		return t, db.exec(`DELETE FROM tokens WHERE kind = ?1 AND id = ?2`, kind, id)
	})
}

// SwapToken implements [storage.Tokens].
func (s *Store) SwapToken(ctx context.Context, old, new storage.Token) error {
	return writeOnly(ctx, s.writer, func(db *conn) error {
		if err := checkToken(db, old); err != nil {
			return err
		}
		return storeToken(db, new)
	})
}

// ListTokens implements [storage.Tokens].
func (s *Store) ListTokens(ctx context.Context, kind string, did syntax.DID) iter.Seq2[storage.Token, error] {
	return list(ctx, s.readers, func(db *conn) iter.Seq2[storage.Token, error] {
		return each(ctx, db, scanToken, selectToken+`INDEXED BY tokens_by_did WHERE did = ?1 AND kind = ?2 ORDER BY id`, did, kind)
	})
}

// DeleteTokens implements [storage.Tokens].
func (s *Store) DeleteTokens(ctx context.Context, did syntax.DID, kinds ...string) error {
	return writeOnly(ctx, s.writer, func(db *conn) error {
		if len(kinds) == 0 {
			return db.exec(`DELETE FROM tokens WHERE did = ?1`, did)
		}
		for _, kind := range kinds {
			if err := db.exec(`DELETE FROM tokens INDEXED BY tokens_by_did WHERE did = ?1 AND kind = ?2`, did, kind); err != nil {
				return err
			}
		}
		return nil
	})
}

// ExpireTokens implements [storage.Tokens].
func (s *Store) ExpireTokens(ctx context.Context, now time.Time, limit int) (int, error) {
	return write(ctx, s.writer, func(db *conn) (int, error) {
		err := db.exec(`DELETE FROM tokens WHERE (kind, id) IN (
			SELECT kind, id FROM tokens WHERE expires <= ?1 ORDER BY expires LIMIT ?2)`, now, max(limit, 0))
		return db.Changes(), err
	})
}

func token(db *conn, kind, id string) (storage.Token, error) {
	return one(db, scanToken, selectToken+`WHERE kind = ?1 AND id = ?2`, kind, id)
}

// checkToken tells whether old is still what's stored.
func checkToken(db *conn, old storage.Token) error {
	t, err := token(db, old.Kind, old.ID)
	if err != nil {
		return err
	}
	if !bytes.Equal(t.Value, old.Value) {
		return fmt.Errorf("sqlite: token of kind %q: %w", old.Kind, storage.ErrConflict)
	}
	return nil
}

func storeToken(db *conn, t storage.Token) error {
	return db.exec(`INSERT OR REPLACE INTO tokens (kind, id, did, value, issued, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
		t.Kind, t.ID, t.DID, t.Value, t.IssuedAt, t.ExpiresAt)
}

func scanToken(r *lite.Stmt) (storage.Token, error) {
	return storage.Token{
		Kind:      r.ColumnText(0),
		ID:        r.ColumnText(1),
		DID:       syntax.DID(r.ColumnText(2)),
		Value:     columnBytes(r, 3),
		IssuedAt:  columnTime(r, 4),
		ExpiresAt: columnTime(r, 5),
	}, nil
}
