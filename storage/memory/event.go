package memory

import (
	"bytes"
	"context"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// AppendEvents implements [storage.Events].
func (s *Store) AppendEvents(ctx context.Context, events ...storage.Event) (seq int64, err error) {
	err = s.write(ctx, func(s *state) error {
		seq = s.append(events)
		return nil
	})
	return seq, err
}

// ListEvents implements [storage.Events].
func (s *Store) ListEvents(ctx context.Context, after int64, limit int) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		n := 0
		s.now.Load().events.Ascend(&storage.Event{Seq: after + 1}, func(e *storage.Event) bool {
			if limit > 0 && n >= limit {
				return false
			}
			n++
			if err := ctx.Err(); err != nil {
				yield(storage.Event{}, err)
				return false
			}
			return yield(*e, nil)
		})
	}
}

// LastSeq implements [storage.Events].
func (s *Store) LastSeq(ctx context.Context) (int64, error) {
	return s.now.Load().lastSeq, ctx.Err()
}

// RaiseSeq implements [storage.Events].
func (s *Store) RaiseSeq(ctx context.Context, seq int64) error {
	return s.write(ctx, func(s *state) error {
		s.lastSeq = max(s.lastSeq, seq)
		return nil
	})
}

// TrimEvents implements [storage.Events].
func (s *Store) TrimEvents(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.write(ctx, func(s *state) error {
		for n < limit {
			e, ok := s.events.Min()
			if !ok || !e.Time.Before(before) {
				break
			}
			s.events.PopMin()
			n++
		}
		return nil
	})
	return n, err
}

// append appends events and returns the last one's sequence number, 0 if there are none.
func (s *state) append(events []storage.Event) int64 {
	if len(events) == 0 {
		return 0
	}
	for _, e := range events {
		s.lastSeq++
		e.Seq = s.lastSeq
		e.Time = utc(e.Time)
		e.Body = bytes.Clone(e.Body)
		s.events.Set(&e)
	}
	return s.lastSeq
}

// dropEvents removes all events of an account.
func (s *state) dropEvents(did syntax.DID) {
	var drop []*storage.Event
	s.events.Scan(func(e *storage.Event) bool {
		if e.DID == did {
			drop = append(drop, e)
		}
		return true
	})
	for _, e := range drop {
		s.events.Delete(e)
	}
}
