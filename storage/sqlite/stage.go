package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

const (
	// A chunk is what a Replace hands to the writer at once. Large chunks are cheap: pages that many rows go to are
	// written once. That nobody waits for a whole one is the business of steps.
	chunkRows  = 4000
	chunkBytes = 4 << 20

	// stepRows is how many rows are written before looking whether other writers wait.
	stepRows = 200

	// maxUnindexed bounds the records whose CIDs are kept in memory. CIDs are random: the more of them are written at once, in
	// their order, the fewer pages are written over and over.
	maxUnindexed = 1 << 16
)

// stager is a Replace's rows on their way to the writer. It is used by one goroutine.
type stager struct {
	writer  *writer
	content int64
	head    storage.Head // that the content is to have

	collection syntax.NSID // of the newest record

	chunk []stagedRow // not yet handed to the writer
	size  int         // of chunk, in bytes

	// unindexed are records, handed to the writer or not, that aren't in record_cids and subjects yet,
	// in their order.
	unindexed []unindexedRecord

	// paths has the first path of each CID in unindexed[:known]. It is filled when somebody asks: few repos have a record
	// twice.
	paths map[cid.Cid]string
	known int

	pending  []stagedRow // the chunk before
	inFlight *op         // the writer is at pending
	written  int         // once inFlight is done: how many rows of pending it has written
}

type stagedRow struct {
	storage.Row
	from string // if the row is a record without bytes: the path of a record with the same CID, or "" to look it up

	// collection is that of the row's record, or "" if the record before it is of the same one.
	collection syntax.NSID
}

type unindexedRecord struct {
	cid           cid.Cid
	path, subject string
}

// stage writes rows, one chunk while the next is being gathered. When it returns, nothing of rows is in use.
func (s *stager) stage(ctx context.Context, rows iter.Seq2[storage.Row, error]) error {
	defer s.abandon()
	for row, err := range rows {
		if err != nil {
			return err
		}
		if err := s.gather(row); err != nil {
			return err
		}
		if len(s.chunk) >= chunkRows || s.size >= chunkBytes {
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
		if len(s.unindexed) >= maxUnindexed {
			if err := s.index(ctx); err != nil {
				return err
			}
		}
	}
	return s.index(ctx)
}

func (s *stager) gather(row storage.Row) error {
	r := stagedRow{Row: row}
	switch {
	case row.Node != nil:
		s.size += len(row.Node.Bytes)
	case row.Record != nil:
		s.size += len(row.Record.Bytes)
		u := unindexedRecord{row.Record.CID, row.Record.Path, row.Record.Subject}
		if row.Record.Bytes == nil {
			r.from, u.subject = s.unindexedPath(u.cid), "" // copyRecord indexes the subject
		}
		s.unindexed = append(s.unindexed, u)
		if c := collectionOf(row.Record.Path); c != s.collection {
			s.collection, r.collection = c, c
		}
	default:
		return errors.New("sqlite: row without node and record")
	}
	s.chunk = append(s.chunk, r)
	return nil
}

// unindexedPath returns the path of a record with a CID that record_cids may not have yet, or "".
func (s *stager) unindexedPath(c cid.Cid) string {
	if s.paths == nil {
		s.paths = make(map[cid.Cid]string)
	}
	for _, u := range s.unindexed[s.known:] {
		if _, there := s.paths[u.cid]; !there {
			s.paths[u.cid] = u.path
		}
	}
	s.known = len(s.unindexed)
	return s.paths[c]
}

// flush waits for the chunk before and hands over the one that has been gathered.
func (s *stager) flush(ctx context.Context) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	if len(s.chunk) == 0 {
		return nil
	}
	s.pending, s.chunk, s.size = s.chunk, nil, 0
	return s.submit()
}

func (s *stager) submit() (err error) {
	rows := s.pending
	s.inFlight, err = s.writer.submit(func(db *conn) (err error) {
		s.written, err = steps(s.writer, rows, func(r stagedRow) error { return stageRow(db, s.content, s.head, r) })
		return err
	})
	return err
}

// wait waits until pending is written, however many writes that takes.
func (s *stager) wait(ctx context.Context) error {
	for len(s.pending) > 0 {
		err := s.inFlight.wait(ctx)
		s.inFlight = nil
		if err != nil {
			return err
		}
		if s.pending = s.pending[s.written:]; len(s.pending) > 0 {
			if err := s.submit(); err != nil {
				return err
			}
		}
	}
	return nil
}

// abandon takes back what is in flight, or waits for it.
func (s *stager) abandon() {
	if s.inFlight != nil {
		over, end := context.WithCancel(context.Background())
		end()
		s.inFlight.wait(over)
	}
}

// index writes what has been gathered, and then the missing rows of record_cids and of subjects, each in
// the order of its table.
func (s *stager) index(ctx context.Context) error {
	if err := s.flush(ctx); err != nil {
		return err
	}
	if err := s.wait(ctx); err != nil {
		return err
	}
	slices.SortFunc(s.unindexed, func(a, b unindexedRecord) int {
		return cmp.Or(cmp.Compare(cidTail(a.cid), cidTail(b.cid)), cmp.Compare(a.path, b.path))
	})
	err := s.writeIndex(ctx, s.unindexed, func(db *conn, r unindexedRecord) error {
		return putRecordCID(db, s.content, r.cid, r.path)
	})
	if err != nil {
		return err
	}
	named := slices.DeleteFunc(s.unindexed, func(r unindexedRecord) bool { return r.subject == "" })
	slices.SortFunc(named, func(a, b unindexedRecord) int {
		return cmp.Or(cmp.Compare(a.subject, b.subject), cmp.Compare(a.path, b.path))
	})
	err = s.writeIndex(ctx, named, func(db *conn, r unindexedRecord) error {
		return putSubject(db, s.content, r.subject, r.path)
	})
	if err != nil {
		return err
	}
	s.unindexed, s.known = s.unindexed[:0], 0
	clear(s.paths)
	return nil
}

// writeIndex hands records to the writer, in chunks.
func (s *stager) writeIndex(ctx context.Context, records []unindexedRecord, put func(*conn, unindexedRecord) error) error {
	for len(records) > 0 {
		n, err := write(ctx, s.writer, func(db *conn) (int, error) {
			return steps(s.writer, records[:min(len(records), chunkRows)], func(r unindexedRecord) error { return put(db, r) })
		})
		if err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// steps does rows, at least stepRows of them, until there are no more or another write waits, and returns how many it
// has done. It runs on the writer's goroutine.
func steps[T any](w *writer, rows []T, do func(T) error) (int, error) {
	for i, row := range rows {
		if i > 0 && i%stepRows == 0 && w.contended() {
			return i, nil
		}
		if err := do(row); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

func stageRow(db *conn, content int64, head storage.Head, row stagedRow) error {
	if row.Node != nil {
		return putNode(db, content, *row.Node, head.Rev)
	}
	if row.collection != "" {
		if err := putCollection(db, content, row.collection, head.DID); err != nil {
			return err
		}
	}
	if row.Record.Bytes == nil {
		return copyRecord(db, content, head.Rev, row)
	}
	if err := putRecord(db, content, *row.Record, head.Rev); err != nil {
		return err
	}
	return putBlobRefs(db, content, row.Record.Path, row.Record.Blobs, head.Rev)
}

// copyRecord stores a record that has the bytes, the blobs and the subject of an earlier one.
func copyRecord(db *conn, content int64, rev syntax.TID, row stagedRow) error {
	w := *row.Record
	var from storage.RecordWrite
	var err error
	scan := func(r *lite.Stmt) (storage.RecordWrite, error) {
		return storage.RecordWrite{Path: r.ColumnText(0), Bytes: columnBytes(r, 1), Subject: r.ColumnText(2)}, nil
	}
	if row.from != "" {
		from, err = one(db, scan, `SELECT path, bytes, subject FROM records WHERE content = ?1 AND path = ?2`, content, row.from)
	} else {
		from, err = one(db, scan, `SELECT r.path, r.bytes, r.subject `+recordByCID+` LIMIT 1`, content, w.CID, cidTail(w.CID))
	}
	if err != nil {
		return fmt.Errorf("sqlite: earlier row with the bytes of %s: %w", w.Path, err)
	}
	w.Bytes, w.Subject = from.Bytes, from.Subject
	if err := putRecord(db, content, w, rev); err != nil {
		return err
	}
	if w.Subject != "" {
		if err := putSubject(db, content, w.Subject, w.Path); err != nil {
			return err
		}
	}
	return db.exec(`INSERT OR IGNORE INTO blob_refs (content, cid, path, rev)
		SELECT content, cid, ?3, rev FROM blob_refs WHERE content = ?1 AND path = ?2`, content, from.Path, w.Path)
}
