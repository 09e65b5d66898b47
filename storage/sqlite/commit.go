package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// Commit implements [storage.Repos].
func (s *Store) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	return write(ctx, s.writer, func(db *conn) (int64, error) { return commit(db, c) })
}

func commit(db *conn, c storage.Commit) (int64, error) {
	if err := checkGuard(db, c.Head.DID, c.Guard); err != nil {
		return 0, err
	}
	content, err := checkHead(db, c.Head.DID, c.Prev)
	if err != nil {
		return 0, err
	}
	if !c.AllowMissingBlobs {
		if err := checkBlobs(db, c.Head.DID, c.Writes); err != nil {
			return 0, err
		}
	}

	if !c.Prev.Defined() {
		if content, err = newContent(db, contentLive); err != nil {
			return 0, err
		}
	}
	if err := writeNodes(db, content, c); err != nil {
		return 0, err
	}
	changed, err := writeRecords(db, content, c.Writes, c.Head)
	if err != nil {
		return 0, err
	}
	if err := moveBlobRefs(db, c.Head, content, changed, c.Writes); err != nil {
		return 0, err
	}
	if err := putHead(db, c.Head, content); err != nil {
		return 0, err
	}
	return appendEvents(db, c.Events)
}

// checkHead returns the content of a repo whose head is prev; for an undefined prev, there must be no repo.
func checkHead(db *conn, did syntax.DID, prev cid.Cid) (content int64, err error) {
	type row struct {
		content int64
		head    cid.Cid
	}
	r, err := one(db, func(r *lite.Stmt) (row, error) {
		c, err := columnCID(r, 1)
		return row{r.ColumnInt64(0), c}, err
	}, `SELECT content, head FROM repos WHERE did = ?1`, did)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return 0, err
	}
	if r.head != prev {
		return 0, fmt.Errorf("sqlite: head of %s: %w", did, storage.ErrConflict)
	}
	return r.content, nil
}

func putHead(db *conn, h storage.Head, content int64) error {
	return db.exec(`INSERT INTO repos (did, content, head, rev, data, block) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (did) DO UPDATE SET content = ?2, head = ?3, rev = ?4, data = ?5, block = ?6`,
		h.DID, content, h.Commit, h.Rev, h.Data, h.Block)
}
