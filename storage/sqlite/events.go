package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// Sequence numbers are given by the only writer, within the transaction that stores the event: they become visible in
// order. AUTOINCREMENT sees to it that none is given twice: the last one is kept in sqlite_sequence.

// AppendEvents implements [storage.Events].
func (s *Store) AppendEvents(ctx context.Context, events ...storage.Event) (int64, error) {
	return write(ctx, s.writer, func(db *conn) (int64, error) { return appendEvents(db, events) })
}

// appendEvents returns the last event's number, 0 if there is none.
func appendEvents(db *conn, events []storage.Event) (seq int64, err error) {
	for _, e := range events {
		err := db.exec(`INSERT INTO events (did, kind, time, body) VALUES (?1, ?2, ?3, ?4)`, e.DID, e.Kind, e.Time, e.Body)
		if err != nil {
			return 0, err
		}
		seq = db.LastInsertRowID()
	}
	if seq > storage.MaxSeq {
		return 0, fmt.Errorf("sqlite: no sequence number is left after %d", int64(storage.MaxSeq))
	}
	db.appended = max(db.appended, seq)
	return seq, nil
}

// The events of a range: of all accounts, or of one.
const (
	selectEvents      = `SELECT seq, did, kind, time, body FROM events `
	listEvents        = selectEvents + `WHERE seq > ?1 ORDER BY seq LIMIT ?2`
	listAccountEvents = selectEvents + `INDEXED BY events_by_did WHERE did = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2`
)

// ListEvents implements [storage.Events].
func (s *Store) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	limit := r.Limit
	if limit <= 0 {
		limit = -1 // none
	}
	return list(ctx, s.readers, func(db *conn) iter.Seq2[storage.Event, error] {
		if r.DID != "" {
			return each(ctx, db, scanEvent, listAccountEvents, r.After, limit, r.DID)
		}
		return each(ctx, db, scanEvent, listEvents, r.After, limit)
	})
}

// LastSeq implements [storage.Events].
func (s *Store) LastSeq(ctx context.Context) (int64, error) {
	return read(ctx, s.readers, lastSeq)
}

func lastSeq(db *conn) (int64, error) {
	seq, err := one(db, scanInt, `SELECT seq FROM sqlite_sequence WHERE name = 'events'`)
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	return seq, err
}

// RaiseSeq implements [storage.Events].
func (s *Store) RaiseSeq(ctx context.Context, seq int64) error {
	if seq < 0 || seq > storage.MaxSeq {
		return fmt.Errorf("sqlite: sequence number %d isn't between 0 and %d", seq, int64(storage.MaxSeq))
	}
	return writeOnly(ctx, s.writer, func(db *conn) error {
		last, err := lastSeq(db)
		if err != nil || seq <= last {
			return err
		}
		if err := db.exec(`DELETE FROM sqlite_sequence WHERE name = 'events'`); err != nil { // there's none before the first
			return err
		}
		return db.exec(`INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?1)`, seq)
	})
}

// TrimEvents implements [storage.Events].
func (s *Store) TrimEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	return write(ctx, s.writer, func(db *conn) (int, error) {
		var last, n int64
		for e, err := range each(ctx, db, scanEventTime, `SELECT seq, time FROM events ORDER BY seq LIMIT ?1`, max(limit, 0)) {
			if err != nil {
				return 0, err
			}
			if !e.Time.Before(before) {
				break
			}
			last, n = e.Seq, n+1
		}
		if n == 0 {
			return 0, nil
		}
		return int(n), db.exec(`DELETE FROM events WHERE seq <= ?1`, last)
	})
}

func scanEvent(r *lite.Stmt) (storage.Event, error) {
	return storage.Event{
		Seq:  r.ColumnInt64(0),
		DID:  syntax.DID(r.ColumnText(1)),
		Kind: storage.EventKind(r.ColumnText(2)),
		Time: columnTime(r, 3),
		Body: columnBytes(r, 4),
	}, nil
}

func scanEventTime(r *lite.Stmt) (storage.Event, error) {
	return storage.Event{Seq: r.ColumnInt64(0), Time: columnTime(r, 1)}, nil
}
