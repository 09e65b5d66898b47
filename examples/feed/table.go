package main

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const schema = `
	-- The last event of the log that is in the tables below.
	CREATE TABLE IF NOT EXISTS position (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL);
	INSERT OR IGNORE INTO position VALUES (1, 0);

	-- The accounts, each with the rev up to which its repo is in the table of posts.
	CREATE TABLE IF NOT EXISTS accounts (did TEXT PRIMARY KEY, rev TEXT NOT NULL, active INTEGER NOT NULL) WITHOUT ROWID;

	-- The posts. Their record keys are made of the time: in descending order they're a feed.
	CREATE TABLE IF NOT EXISTS posts (
		rkey TEXT NOT NULL,
		did TEXT NOT NULL,
		cid TEXT NOT NULL,
		text TEXT NOT NULL,
		edits INTEGER NOT NULL, -- how often it has been changed, as far as that was seen
		PRIMARY KEY (rkey, did)
	) WITHOUT ROWID;
	CREATE INDEX IF NOT EXISTS posts_by_account ON posts (did);
`

// table is the app's own database.
type table struct{ pool *sqlitex.Pool }

func openTable(ctx context.Context, path string) (*table, error) {
	pool, err := sqlitex.NewPool(path, sqlitex.PoolOptions{PrepareConn: func(conn *sqlite.Conn) error {
		// A power failure may take back the last transactions, but whole ones only: their events are applied again.
		return sqlitex.ExecuteTransient(conn, "PRAGMA synchronous = NORMAL", nil)
	}})
	if err != nil {
		return nil, err
	}
	t := &table{pool}
	err = t.with(ctx, func(conn *sqlite.Conn) error { return sqlitex.ExecuteScript(conn, schema, nil) })
	if err != nil {
		pool.Close()
		return nil, err
	}
	return t, nil
}

func (t *table) close() error { return t.pool.Close() }

func (t *table) with(ctx context.Context, do func(*sqlite.Conn) error) error {
	conn, err := t.pool.Take(ctx)
	if err != nil {
		return err
	}
	defer t.pool.Put(conn)
	return do(conn)
}

// position returns the number of the last event that is in the table.
func (t *table) position(ctx context.Context) (seq int64, err error) {
	err = t.with(ctx, func(conn *sqlite.Conn) error {
		return query(conn, func(row *sqlite.Stmt) { seq = row.ColumnInt64(0) }, "SELECT seq FROM position")
	})
	return seq, err
}

// change makes a change that brings the table to a position, both in one transaction.
func (t *table) change(ctx context.Context, seq int64, change func(*sqlite.Conn) error) error {
	return t.with(ctx, func(conn *sqlite.Conn) (err error) {
		end, err := sqlitex.ImmediateTransaction(conn)
		if err != nil {
			return err
		}
		defer end(&err)
		if err := change(conn); err != nil {
			return err
		}
		return execute(conn, "UPDATE position SET seq = ?", seq)
	})
}

// putPost adds a post, or counts an edit of it.
func putPost(conn *sqlite.Conn, did syntax.DID, rkey syntax.RecordKey, cid string, record map[string]any) error {
	text, _ := record["text"].(string) // what a client has written as a post needn't be one
	return execute(conn, `INSERT INTO posts (rkey, did, cid, text, edits) VALUES (?, ?, ?, ?, 0)
		ON CONFLICT DO UPDATE SET cid = excluded.cid, text = excluded.text, edits = edits + 1`, rkey, did, cid, text)
}

func execute(conn *sqlite.Conn, sql string, args ...any) error {
	return query(conn, nil, sql, args...)
}

func query(conn *sqlite.Conn, each func(row *sqlite.Stmt), sql string, args ...any) error {
	return sqlitex.Execute(conn, sql, &sqlitex.ExecOptions{Args: args, ResultFunc: func(row *sqlite.Stmt) error {
		each(row)
		return nil
	}})
}
