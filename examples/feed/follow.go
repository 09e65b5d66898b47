package main

import (
	"context"
	"errors"
	"log"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
)

// collection is what the table is made of.
const collection = "app.bsky.feed.post"

// follower keeps the table. Each event's change and the event's number are one transaction, so that after a crash the
// table resumes with exactly the next event; and each repo's rev is kept with its posts, so that a repo that was read
// when the log hadn't come so far yet gets no commit twice.
type follower struct {
	srv   *pds.Server
	store storage.Store
	table *table
}

// follow applies events until ctx ends.
func (f *follower) follow(ctx context.Context) error {
	for {
		err := f.applyAll(ctx)
		if !errors.Is(err, firehose.ErrOutdatedCursor) && !errors.Is(err, firehose.ErrFutureCursor) {
			return err
		}
		log.Printf("reading all repos: %v", err)
		if err := f.rebuild(ctx); err != nil {
			return err
		}
	}
}

func (f *follower) applyAll(ctx context.Context) error {
	after, err := f.table.position(ctx)
	if err != nil {
		return err
	}
	for e, err := range f.srv.Events(ctx, after) {
		if err != nil {
			return err
		}
		err := f.table.change(ctx, e.Seq, func(conn *sqlite.Conn) error { return f.apply(ctx, conn, e) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) apply(ctx context.Context, conn *sqlite.Conn, e firehose.Event) error {
	switch {
	case e.Commit != nil:
		return f.commit(ctx, conn, e.DID, e.Commit)
	case e.Sync != nil:
		rev, err := revOf(conn, e.DID)
		if err != nil || e.Sync.Rev <= rev {
			return err
		}
		return f.read(ctx, conn, e.DID)
	case e.Account != nil && e.Account.Status == firehose.StatusDeleted:
		return remove(conn, e.DID)
	case e.Account != nil: // its posts stay, and aren't shown while it isn't active
		return execute(conn, `INSERT INTO accounts (did, rev, active) VALUES (?1, '', ?2)
			ON CONFLICT DO UPDATE SET active = ?2`, e.DID, e.Account.Active)
	}
	return nil // nothing here depends on an #identity
}

func (f *follower) commit(ctx context.Context, conn *sqlite.Conn, did syntax.DID, c *firehose.Commit) error {
	rev, err := revOf(conn, did)
	switch {
	case err != nil || c.Rev <= rev: // it was there when the repo was read
		return err
	case c.Since != rev:
		return f.read(ctx, conn, did)
	}
	for i := range c.Ops {
		op := &c.Ops[i]
		if op.Collection != collection {
			continue
		}
		if op.Action == firehose.Delete {
			err = execute(conn, "DELETE FROM posts WHERE rkey = ? AND did = ?", op.RecordKey, did)
		} else if record, e := op.Value(); e != nil {
			err = e
		} else {
			err = putPost(conn, did, op.RecordKey, op.CID.String(), record)
		}
		if err != nil {
			return err
		}
	}
	return execute(conn, "UPDATE accounts SET rev = ? WHERE did = ?", c.Rev, did)
}

// rebuild makes the table of what is there now, and goes on with the event after what was the last when it began.
func (f *follower) rebuild(ctx context.Context) error {
	last, err := f.store.LastSeq(ctx) // first: the repos may be ahead of it, but not behind
	if err != nil {
		return err
	}
	return f.table.change(ctx, last, func(conn *sqlite.Conn) error {
		if err := execute(conn, "DELETE FROM posts"); err != nil {
			return err
		}
		if err := execute(conn, "DELETE FROM accounts"); err != nil {
			return err
		}
		for a, err := range f.store.ListAccounts(ctx, 0, 1<<30) {
			if err != nil {
				return err
			}
			if err := f.read(ctx, conn, a.DID); err != nil {
				return err
			}
		}
		return nil
	})
}

// read replaces what the table has of an account by what is there now, or by nothing if it has been deleted.
func (f *follower) read(ctx context.Context, conn *sqlite.Conn, did syntax.DID) error {
	if err := remove(conn, did); err != nil {
		return err
	}
	account, err := f.store.Account(ctx, did)
	if err == nil {
		err = f.srv.Repo(did).Snapshot(ctx, func(repo pds.Repo) error {
			rev, err := repo.Rev(ctx)
			if err != nil {
				return err
			}
			for r, err := range repo.List(ctx, collection) {
				if err == nil {
					err = putPost(conn, did, r.URI.RecordKey(), r.CID.String(), r.Value)
				}
				if err != nil {
					return err
				}
			}
			return execute(conn, "INSERT INTO accounts (did, rev, active) VALUES (?, ?, ?)",
				did, rev, account.Status() == storage.StatusActive)
		})
	}
	if errors.Is(err, storage.ErrNotFound) {
		return nil // the event that says so comes
	}
	return err
}

// remove removes all of an account.
func remove(conn *sqlite.Conn, did syntax.DID) error {
	if err := execute(conn, "DELETE FROM posts WHERE did = ?", did); err != nil {
		return err
	}
	return execute(conn, "DELETE FROM accounts WHERE did = ?", did)
}

// revOf returns the rev up to which a repo is in the table, "" if it isn't.
func revOf(conn *sqlite.Conn, did syntax.DID) (rev syntax.TID, err error) {
	err = query(conn, func(row *sqlite.Stmt) { rev = syntax.TID(row.ColumnText(0)) },
		"SELECT rev FROM accounts WHERE did = ?", did)
	return rev, err
}
