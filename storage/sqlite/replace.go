package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// A chunk of rows is staged in one write: few enough of them that other writers are not kept waiting for long, enough to be
// worth a flush.
const (
	chunkRows  = 500
	chunkBytes = 1 << 20
)

// Replace stages the rows as a new content, in chunks, and then makes it the repo's content in one small write.
func (s *Store) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	content, err := write(ctx, s.writer, func(db *conn) (int64, error) {
		if _, err := checkHead(db, c.Head.DID, c.Prev); err != nil {
			return 0, err
		}
		return newContent(db, contentStaged)
	})
	if err != nil {
		return 0, err
	}
	swapped := false
	defer func() {
		if !swapped { // an error, or a panic of rows
			discard := func(db *conn) error { return discardStaged(db, content) }
			writeOnly(context.WithoutCancel(ctx), s.writer, discard) // if this fails too, the next Open does it
		}
	}()
	if err := s.stage(ctx, content, c.Head.Rev, rows); err != nil {
		return 0, err
	}
	seq, err := write(ctx, s.writer, func(db *conn) (int64, error) { return swapContent(db, c, content) })
	swapped = err == nil
	return seq, err
}

// stage writes rows, one chunk while the next is being gathered.
func (s *Store) stage(ctx context.Context, content int64, rev syntax.TID, rows iter.Seq2[storage.Row, error]) error {
	st := stager{s: s, content: content, rev: rev}
	defer func() { st.wait(ctx) }() // nothing of rows is used after Replace has returned
	for row, err := range rows {
		if err != nil {
			return err
		}
		st.chunk = append(st.chunk, row)
		switch {
		case row.Node != nil:
			st.size += len(row.Node.Bytes)
		case row.Record != nil:
			st.size += len(row.Record.Bytes)
		}
		if len(st.chunk) >= chunkRows || st.size >= chunkBytes {
			if err := st.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := st.flush(ctx); err != nil {
		return err
	}
	return st.wait(ctx)
}

// stager is a Replace's rows on their way to the writer.
type stager struct {
	s       *Store
	content int64
	rev     syntax.TID

	chunk []storage.Row // not yet handed to the writer
	size  int           // in bytes

	pending *op // the chunk before it
}

func (st *stager) flush(ctx context.Context) error {
	if err := st.wait(ctx); err != nil {
		return err
	}
	chunk := st.chunk
	st.chunk, st.size = nil, 0
	var err error
	st.pending, err = st.s.writer.submit(func(db *conn) error { return stageRows(db, st.content, st.rev, chunk) })
	return err
}

func (st *stager) wait(ctx context.Context) error {
	o := st.pending
	if o == nil {
		return nil
	}
	st.pending = nil
	return o.wait(ctx)
}

func stageRows(db *conn, content int64, rev syntax.TID, rows []storage.Row) error {
	for _, row := range rows {
		if err := stageRow(db, content, rev, row); err != nil {
			return err
		}
	}
	return nil
}

func stageRow(db *conn, content int64, rev syntax.TID, row storage.Row) error {
	switch {
	case row.Node != nil:
		return putNode(db, content, *row.Node, rev)
	case row.Record == nil:
		return errors.New("sqlite: row without node and record")
	case row.Record.Bytes == nil:
		return copyRecord(db, content, rev, row.Record)
	}
	if err := writeRecord(db, content, *row.Record, rev); err != nil {
		return err
	}
	return putBlobRefs(db, content, row.Record.Path, row.Record.Blobs, rev)
}

// copyRecord stores a record that has the bytes and the blobs of an earlier one.
func copyRecord(db *conn, content int64, rev syntax.TID, w *storage.RecordWrite) error {
	from, err := one(db, scanRecord, `SELECT path, cid, rev, bytes FROM records INDEXED BY records_by_cid
		WHERE content = ?1 AND substr(cid, -8) = ?3 AND cid = ?2 LIMIT 1`, content, w.CID, cidTail(w.CID))
	if err != nil {
		return fmt.Errorf("sqlite: row of %s, the earlier row with its bytes: %w", w.Path, err)
	}
	if err := writeRecord(db, content, storage.RecordWrite{Path: w.Path, CID: w.CID, Bytes: from.Bytes}, rev); err != nil {
		return err
	}
	return db.exec(`INSERT OR IGNORE INTO blob_refs (content, cid, path, rev)
		SELECT content, cid, ?3, rev FROM blob_refs WHERE content = ?1 AND path = ?2`, content, from.Path, w.Path)
}

// swapContent makes a staged content that of its repo.
func swapContent(db *conn, c storage.Commit, staged int64) (int64, error) {
	old, err := checkHead(db, c.Head.DID, c.Prev)
	if err != nil {
		return 0, err
	}
	if err := setContentState(db, staged, contentLive); err != nil {
		return 0, err
	}
	if err := setContentState(db, old, contentGarbage); err != nil { // there's no content 0
		return 0, err
	}
	if err := swapBlobRefs(db, c.Head.DID, staged); err != nil {
		return 0, err
	}
	if err := putHead(db, c.Head, staged); err != nil {
		return 0, err
	}
	return appendEvents(db, c.Events)
}

// discardStaged makes a content garbage if it's still staged: an error of the swap may have come after the swap.
func discardStaged(db *conn, content int64) error {
	return db.exec(`UPDATE contents SET state = ?2 WHERE id = ?1 AND state = ?3`, content, contentGarbage, contentStaged)
}
