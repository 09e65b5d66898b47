package memory

import (
	"bytes"
	"context"
	"fmt"
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
func (s *Store) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		now, n := s.now.Load(), 0
		table := now.events
		if r.DID != "" {
			table = now.eventsByDID
		}
		table.Ascend(&storage.Event{DID: r.DID, Seq: r.After + 1}, func(e *storage.Event) bool {
			if r.DID != "" && e.DID != r.DID || r.Limit > 0 && n >= r.Limit {
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

// WaitEvents implements [storage.Events].
func (s *Store) WaitEvents(ctx context.Context, after int64) error {
	for {
		now := s.now.Load()
		if e, ok := now.events.Max(); ok && e.Seq > after {
			return nil
		}
		select {
		case <-now.more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// LastSeq implements [storage.Events].
func (s *Store) LastSeq(ctx context.Context) (int64, error) {
	return s.now.Load().lastSeq, ctx.Err()
}

// RaiseSeq implements [storage.Events].
func (s *Store) RaiseSeq(ctx context.Context, seq int64) error {
	if seq < 0 || seq > storage.MaxSeq {
		return fmt.Errorf("memory: sequence number %d is out of range", seq)
	}
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
			s.dropEvent(e)
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
	s.more = make(chan struct{})
	for _, e := range events {
		s.lastSeq++
		e.Seq = s.lastSeq
		e.Time = utc(e.Time)
		e.Body = bytes.Clone(e.Body)
		s.events.Set(&e)
		s.eventsByDID.Set(&e)
	}
	return s.lastSeq
}

func (s *state) dropEvent(e *storage.Event) {
	s.events.Delete(e)
	s.eventsByDID.Delete(e)
}

// dropEvents removes all events of an account.
func (s *state) dropEvents(did syntax.DID) {
	var drop []*storage.Event
	s.eventsByDID.Ascend(&storage.Event{DID: did}, func(e *storage.Event) bool {
		if e.DID != did {
			return false
		}
		drop = append(drop, e)
		return true
	})
	for _, e := range drop {
		s.dropEvent(e)
	}
}
