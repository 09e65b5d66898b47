package main

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// documents is a table. Each method is one transaction, which is on the disk when it returns. It
// knows nothing of accounts: [store] checks the guards.
type documents struct{ database }

func openDocuments(ctx context.Context, path string) (*documents, error) {
	d, err := openDatabase(ctx, path)
	if err != nil {
		return nil, err
	}
	return &documents{d}, nil
}

func (d *documents) put(ctx context.Context, new storage.NewDocument) error {
	return d.write(ctx, func(c *sqlite.Conn) error {
		old, err := get(c, new.Kind, new.ID)
		switch {
		case err == nil && (old.ExpiresAt.IsZero() || old.ExpiresAt.After(new.IssuedAt)):
			return storage.ErrExists
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return err
		}
		if new.Limit > 0 {
			n, err := count(c, "FROM documents WHERE owner = ? AND kind = ? AND (expires IS NULL OR expires > ?)",
				new.Owner.String(), new.Kind, new.IssuedAt.UnixMilli())
			if err != nil {
				return err
			}
			if n >= int64(new.Limit) {
				return storage.ErrLimit
			}
		}
		return insert(c, new.Document)
	})
}

func (d *documents) get(ctx context.Context, kind, id string) (found storage.Document, err error) {
	err = d.read(ctx, func(c *sqlite.Conn) error {
		found, err = get(c, kind, id)
		return err
	})
	return found, err
}

func (d *documents) take(ctx context.Context, kind, id string) (taken storage.Document, err error) {
	err = d.write(ctx, func(c *sqlite.Conn) error {
		if taken, err = get(c, kind, id); err != nil {
			return err
		}
		return remove(c, kind, id)
	})
	if err != nil {
		return storage.Document{}, err
	}
	return taken, nil
}

// swap returns the document that was replaced: old need only have its value right.
func (d *documents) swap(ctx context.Context, old, new storage.Document) (replaced storage.Document, err error) {
	err = d.write(ctx, func(c *sqlite.Conn) error {
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
func (d *documents) list(ctx context.Context, r storage.DocumentRange) iter.Seq2[storage.Document, error] {
	return func(yield func(storage.Document, error) bool) {
		var found []storage.Document
		err := d.read(ctx, func(c *sqlite.Conn) error {
			from, args, err := selection(r)
			if err != nil {
				return err
			}
			found, err = query(c, from, args...)
			return err
		})
		if err != nil {
			yield(storage.Document{}, err)
			return
		}
		for _, document := range found {
			if !yield(document, nil) {
				return
			}
		}
	}
}

func (d *documents) count(ctx context.Context, r storage.DocumentRange) (n int64, err error) {
	err = d.read(ctx, func(c *sqlite.Conn) error {
		from, args, err := selection(r)
		if err != nil {
			return err
		}
		n, err = count(c, "FROM (SELECT id "+from+")", args...)
		return err
	})
	return n, err
}

// delete deletes an account's documents of some kinds. Those without an owner are no account's.
func (d *documents) delete(ctx context.Context, owner syntax.DID, kinds []string) error {
	if owner == "" {
		return nil
	}
	return d.write(ctx, func(c *sqlite.Conn) error {
		for _, kind := range kinds {
			if err := exec(c, "DELETE FROM documents WHERE owner = ? AND kind = ?", owner.String(), kind); err != nil {
				return err
			}
		}
		return nil
	})
}

// deleteAll deletes all of an account's documents, and returns them for [documents.putBack].
func (d *documents) deleteAll(ctx context.Context, owner syntax.DID) (deleted []storage.Document, err error) {
	if owner == "" {
		return nil, nil
	}
	err = d.write(ctx, func(c *sqlite.Conn) error {
		if deleted, err = query(c, "FROM documents WHERE owner = ?", owner.String()); err != nil {
			return err
		}
		return exec(c, "DELETE FROM documents WHERE owner = ?", owner.String())
	})
	return deleted, err
}

// putBack stores deleted documents again. If another has taken a document's place, that one stays.
func (d *documents) putBack(ctx context.Context, deleted []storage.Document) error {
	return d.write(ctx, func(c *sqlite.Conn) error {
		for _, old := range deleted {
			_, err := get(c, old.Kind, old.ID)
			if errors.Is(err, storage.ErrNotFound) {
				err = insert(c, old)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *documents) expire(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = d.write(ctx, func(c *sqlite.Conn) error {
		err := exec(c, `DELETE FROM documents WHERE (kind, id) IN (
			SELECT kind, id FROM documents WHERE expires <= ? ORDER BY expires LIMIT ?)`, now.UnixMilli(), limit)
		n = c.Changes()
		return err
	})
	return n, err
}
