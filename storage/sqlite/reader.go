package sqlite

import (
	"context"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

var _ storage.RepoReader = reader{}

// reader reads repos on one connection.
type reader struct{ db *conn }

func (r reader) Head(_ context.Context, did syntax.DID) (storage.Head, error) {
	return one(r.db, scanHead, `SELECT did, head, rev, data, block FROM repos WHERE did = ?1`, did)
}

func (r reader) Record(_ context.Context, did syntax.DID, path string) (storage.Record, error) {
	return one(r.db, scanRecord,
		`SELECT `+recordColumns+` FROM records r WHERE r.content = `+contentOf+` AND r.path = ?2`, did, path)
}

func (r reader) Stats(_ context.Context, did syntax.DID) (storage.RepoStats, error) {
	return one(r.db, scanStats, `SELECT
		(SELECT count(*) FROM nodes WHERE content = c.content)
			+ coalesce((SELECT count FROM fresh_nodes WHERE content = c.content), 0),
		(SELECT count(*) FROM record_cids WHERE content = c.content)
			+ (SELECT count(*) FROM fresh_cids WHERE content = c.content)
		FROM (SELECT `+contentOf+` AS content) c`, did)
}

// The methods of a store run a reader on a connection of the pool.

// Head implements [storage.RepoReader].
func (s *Store) Head(ctx context.Context, did syntax.DID) (storage.Head, error) {
	return read(ctx, s.readers, func(db *conn) (storage.Head, error) { return reader{db}.Head(ctx, did) })
}

// Blocks implements [storage.RepoReader].
func (s *Store) Blocks(ctx context.Context, did syntax.DID, want []cid.Cid) ([]storage.Block, error) {
	return read(ctx, s.readers, func(db *conn) (blocks []storage.Block, err error) {
		err = snapshot(db, func() error {
			blocks, err = reader{db}.Blocks(ctx, did, want)
			return err
		})
		return blocks, err
	})
}

// Record implements [storage.RepoReader].
func (s *Store) Record(ctx context.Context, did syntax.DID, path string) (storage.Record, error) {
	return read(ctx, s.readers, func(db *conn) (storage.Record, error) { return reader{db}.Record(ctx, did, path) })
}

// Records implements [storage.RepoReader].
func (s *Store) Records(ctx context.Context, did syntax.DID, rr storage.RecordRange) iter.Seq2[storage.Record, error] {
	return list(ctx, s.readers, func(db *conn) iter.Seq2[storage.Record, error] {
		return reader{db}.Records(ctx, did, rr)
	})
}

// Collections implements [storage.RepoReader].
func (s *Store) Collections(ctx context.Context, did syntax.DID) ([]syntax.NSID, error) {
	return read(ctx, s.readers, func(db *conn) ([]syntax.NSID, error) { return reader{db}.Collections(ctx, did) })
}

// Stats implements [storage.RepoReader].
func (s *Store) Stats(ctx context.Context, did syntax.DID) (storage.RepoStats, error) {
	return read(ctx, s.readers, func(db *conn) (storage.RepoStats, error) { return reader{db}.Stats(ctx, did) })
}

// Snapshot implements [storage.Repos]. It has a connection to itself until read returns.
func (s *Store) Snapshot(ctx context.Context, read func(storage.RepoReader) error) error {
	db, err := s.readers.take(ctx)
	if err != nil {
		return err
	}
	defer s.readers.put(db)
	return snapshot(db, func() error { return read(reader{db}) })
}

// snapshot runs read in a transaction that sees the state of the moment in which it begins.
func snapshot(db *conn, read func() error) (err error) {
	if err := db.run(`BEGIN`); err != nil {
		return err
	}
	defer func() {
		if end := db.run(`COMMIT`); err == nil {
			err = end
		}
	}()
	// The state that a transaction sees is that of its first read.
	if _, err := exists(db, `SELECT 1 FROM contents LIMIT 1`); err != nil {
		return err
	}
	return read()
}

func scanHead(r *lite.Stmt) (storage.Head, error) { return scanHeadAt(r, 0) }

// scanHeadAt reads the columns did, head, rev, data, block from col on.
func scanHeadAt(r *lite.Stmt, col int) (storage.Head, error) {
	head, err := columnCID(r, col+1)
	if err != nil {
		return storage.Head{}, err
	}
	data, err := columnCID(r, col+3)
	return storage.Head{
		DID:    syntax.DID(r.ColumnText(col)),
		Commit: head,
		Rev:    syntax.TID(r.ColumnText(col + 2)),
		Data:   data,
		Block:  columnBytes(r, col+4),
	}, err
}

// scanRecord reads recordColumns.
func scanRecord(r *lite.Stmt) (storage.Record, error) {
	c, err := columnCID(r, 1)
	return storage.Record{
		Path:        r.ColumnText(0),
		CID:         c,
		Rev:         syntax.TID(r.ColumnText(2)),
		Bytes:       columnBytes(r, 3),
		TakedownRef: r.ColumnText(4),
	}, err
}

func scanStats(r *lite.Stmt) (storage.RepoStats, error) {
	return storage.RepoStats{Nodes: r.ColumnInt64(0), Records: r.ColumnInt64(1)}, nil
}
