package main

import (
	"context"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/pdskit/pdskit/storage"
)

const schema = `
	CREATE TABLE IF NOT EXISTS documents (
		kind TEXT NOT NULL,
		id TEXT NOT NULL,
		owner TEXT NOT NULL,
		value BLOB NOT NULL,
		issued INTEGER NOT NULL, -- milliseconds since 1970
		expires INTEGER, -- NULL for never
		PRIMARY KEY (kind, id)
	) WITHOUT ROWID;
	CREATE INDEX IF NOT EXISTS documents_by_owner ON documents (owner, kind, id);
	CREATE INDEX IF NOT EXISTS documents_by_expiry ON documents (expires) WHERE expires IS NOT NULL;
`

// database is what documents need of SQLite.
type database struct{ pool *sqlitex.Pool }

func openDatabase(ctx context.Context, path string) (database, error) {
	pool, err := sqlitex.NewPool(path, sqlitex.PoolOptions{})
	if err != nil {
		return database{}, err
	}
	d := database{pool}
	if err := d.write(ctx, func(c *sqlite.Conn) error { return sqlitex.ExecuteScript(c, schema, nil) }); err != nil {
		pool.Close()
		return database{}, err
	}
	return d, nil
}

func (d database) close() error { return d.pool.Close() }

func (d database) read(ctx context.Context, do func(*sqlite.Conn) error) error {
	c, err := d.pool.Take(ctx)
	if err != nil {
		return err
	}
	defer d.pool.Put(c)
	if err = do(c); err != nil && ctx.Err() != nil {
		err = ctx.Err() // SQLite says that it was interrupted
	}
	return err
}

func (d database) write(ctx context.Context, do func(*sqlite.Conn) error) error {
	return d.read(ctx, func(c *sqlite.Conn) (err error) {
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

// insert puts a document in the place of the one with its kind and ID.
func insert(c *sqlite.Conn, d storage.Document) error {
	var expires any
	if !d.ExpiresAt.IsZero() {
		expires = d.ExpiresAt.UnixMilli()
	}
	return exec(c, "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?)",
		d.Kind, d.ID, d.Owner.String(), d.Value, d.IssuedAt.UnixMilli(), expires)
}

func remove(c *sqlite.Conn, kind, id string) error {
	return exec(c, "DELETE FROM documents WHERE kind = ? AND id = ?", kind, id)
}

func get(c *sqlite.Conn, kind, id string) (storage.Document, error) {
	found, err := query(c, "FROM documents WHERE kind = ? AND id = ?", kind, id)
	if err == nil && len(found) == 0 {
		err = storage.ErrNotFound
	}
	if err != nil {
		return storage.Document{}, err
	}
	return found[0], nil
}

// selection returns what follows SELECT for the documents of a range.
func selection(r storage.DocumentRange) (from string, args []any, err error) {
	if err := r.Validate(); err != nil {
		return "", nil, err
	}
	from = "FROM documents WHERE true"
	where := func(condition, value string) {
		if value != "" {
			from, args = from+" AND "+condition, append(args, value)
		}
	}
	where("kind = ?", r.Kind)
	where("owner = ?", r.Owner.String())
	where("id > ?", r.After)
	from += " ORDER BY kind, id"
	if r.Limit > 0 {
		from, args = from+" LIMIT ?", append(args, r.Limit)
	}
	return from, args, nil
}

func query(c *sqlite.Conn, from string, args ...any) (found []storage.Document, err error) {
	err = sqlitex.Execute(c, "SELECT kind, id, owner, value, issued, expires "+from, &sqlitex.ExecOptions{
		Args: args,
		ResultFunc: func(row *sqlite.Stmt) error {
			d := storage.Document{
				Kind: row.ColumnText(0), ID: row.ColumnText(1), Owner: syntax.DID(row.ColumnText(2)),
				Value: make([]byte, row.ColumnLen(3)), IssuedAt: time.UnixMilli(row.ColumnInt64(4)).UTC(),
			}
			row.ColumnBytes(3, d.Value)
			if !row.ColumnIsNull(5) {
				d.ExpiresAt = time.UnixMilli(row.ColumnInt64(5)).UTC()
			}
			found = append(found, d)
			return nil
		},
	})
	return found, err
}

func count(c *sqlite.Conn, from string, args ...any) (n int64, err error) {
	err = sqlitex.Execute(c, "SELECT count(*) "+from, &sqlitex.ExecOptions{
		Args:       args,
		ResultFunc: func(row *sqlite.Stmt) error { n = row.ColumnInt64(0); return nil },
	})
	return n, err
}
