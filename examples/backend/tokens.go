package main

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/pdskit/pdskit/storage"
)

const schema = `
	CREATE TABLE IF NOT EXISTS tokens (
		kind TEXT NOT NULL,
		id TEXT NOT NULL,
		did TEXT NOT NULL,
		value BLOB NOT NULL,
		issued INTEGER NOT NULL, -- milliseconds since 1970
		expires INTEGER NOT NULL,
		PRIMARY KEY (kind, id)
	) WITHOUT ROWID;
	CREATE INDEX IF NOT EXISTS tokens_by_did ON tokens (did, kind);
	CREATE INDEX IF NOT EXISTS tokens_by_expiry ON tokens (expires);
`

// tokens is a table. Each method is one transaction, which is on the disk when it returns.
type tokens struct{ pool *sqlitex.Pool }

func openTokens(ctx context.Context, path string) (*tokens, error) {
	pool, err := sqlitex.NewPool(path, sqlitex.PoolOptions{})
	if err != nil {
		return nil, err
	}
	t := &tokens{pool}
	if err := t.write(ctx, func(c *sqlite.Conn) error { return sqlitex.ExecuteScript(c, schema, nil) }); err != nil {
		pool.Close()
		return nil, err
	}
	return t, nil
}

func (t *tokens) close() error { return t.pool.Close() }

func (t *tokens) put(ctx context.Context, new storage.Token) error {
	return t.write(ctx, func(c *sqlite.Conn) error {
		old, err := get(c, new.Kind, new.ID)
		switch {
		case err == nil && old.ExpiresAt.After(new.IssuedAt):
			return storage.ErrExists
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return err
		}
		return insert(c, new)
	})
}

func (t *tokens) get(ctx context.Context, kind, id string) (token storage.Token, err error) {
	err = t.read(ctx, func(c *sqlite.Conn) error {
		token, err = get(c, kind, id)
		return err
	})
	return token, err
}

func (t *tokens) take(ctx context.Context, kind, id string) (token storage.Token, err error) {
	err = t.write(ctx, func(c *sqlite.Conn) error {
		if token, err = get(c, kind, id); err != nil {
			return err
		}
		return exec(c, "DELETE FROM tokens WHERE kind = ? AND id = ?", kind, id)
	})
	if err != nil {
		return storage.Token{}, err
	}
	return token, nil
}

// swap returns the token that was replaced: of old, it has the value.
func (t *tokens) swap(ctx context.Context, old, new storage.Token) (replaced storage.Token, err error) {
	err = t.write(ctx, func(c *sqlite.Conn) error {
		if replaced, err = get(c, old.Kind, old.ID); err != nil {
			return err
		}
		if !bytes.Equal(replaced.Value, old.Value) {
			return storage.ErrConflict
		}
		return insert(c, new)
	})
	return replaced, err
}

// list reads all before it yields the first: the loop may call any other method meanwhile.
func (t *tokens) list(ctx context.Context, kind string, did syntax.DID) iter.Seq2[storage.Token, error] {
	return func(yield func(storage.Token, error) bool) {
		var found []storage.Token
		err := t.read(ctx, func(c *sqlite.Conn) (err error) {
			found, err = query(c, "WHERE did = ? AND kind = ? ORDER BY id", did.String(), kind)
			return err
		})
		for _, token := range found {
			if !yield(token, nil) {
				return
			}
		}
		if err != nil {
			yield(storage.Token{}, err)
		}
	}
}

func (t *tokens) delete(ctx context.Context, did syntax.DID, kinds []string) error {
	return t.write(ctx, func(c *sqlite.Conn) error {
		if len(kinds) == 0 {
			return exec(c, "DELETE FROM tokens WHERE did = ?", did.String())
		}
		for _, kind := range kinds {
			if err := exec(c, "DELETE FROM tokens WHERE did = ? AND kind = ?", did.String(), kind); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tokens) expire(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = t.write(ctx, func(c *sqlite.Conn) error {
		err := exec(c, `DELETE FROM tokens WHERE (kind, id) IN (
			SELECT kind, id FROM tokens WHERE expires <= ? ORDER BY expires LIMIT ?)`, now.UnixMilli(), limit)
		n = c.Changes()
		return err
	})
	return n, err
}

// The rest is SQLite.

func (t *tokens) read(ctx context.Context, do func(*sqlite.Conn) error) error {
	c, err := t.pool.Take(ctx)
	if err != nil {
		return err
	}
	defer t.pool.Put(c)
	if err = do(c); err != nil && ctx.Err() != nil {
		err = ctx.Err() // SQLite says that it was interrupted
	}
	return err
}

func (t *tokens) write(ctx context.Context, do func(*sqlite.Conn) error) error {
	return t.read(ctx, func(c *sqlite.Conn) (err error) {
		end, err := sqlitex.ImmediateTransaction(c)
		if err != nil {
			return err
		}
		defer end(&err)
		return do(c)
	})
}

func exec(c *sqlite.Conn, sql string, args ...any) error {
	return sqlitex.Execute(c, sql, &sqlitex.ExecOptions{Args: args})
}

func insert(c *sqlite.Conn, t storage.Token) error {
	return exec(c, "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
		t.Kind, t.ID, t.DID.String(), slices.Concat([]byte{}, t.Value), t.IssuedAt.UnixMilli(), t.ExpiresAt.UnixMilli())
}

func get(c *sqlite.Conn, kind, id string) (storage.Token, error) {
	found, err := query(c, "WHERE kind = ? AND id = ?", kind, id)
	if err == nil && len(found) == 0 {
		err = storage.ErrNotFound
	}
	if err != nil {
		return storage.Token{}, err
	}
	return found[0], nil
}

func query(c *sqlite.Conn, where string, args ...any) (found []storage.Token, err error) {
	err = sqlitex.Execute(c, "SELECT kind, id, did, value, issued, expires FROM tokens "+where, &sqlitex.ExecOptions{
		Args: args,
		ResultFunc: func(row *sqlite.Stmt) error {
			value := make([]byte, row.ColumnLen(3))
			row.ColumnBytes(3, value)
			found = append(found, storage.Token{
				Kind: row.ColumnText(0), ID: row.ColumnText(1), DID: syntax.DID(row.ColumnText(2)), Value: value,
				IssuedAt: time.UnixMilli(row.ColumnInt64(4)).UTC(), ExpiresAt: time.UnixMilli(row.ColumnInt64(5)).UTC(),
			})
			return nil
		},
	})
	return found, err
}
