package memory

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pdskit/pdskit/storage"
)

// Store is a [storage.Store] in memory.
type Store struct {
	reader
	mu  sync.Mutex // held by the writer
	now atomic.Pointer[state]
}

var _ storage.Store = (*Store)(nil)

var errNoNumber = errors.New("memory: no sequence number is left")

// New returns an empty store.
func New() *Store {
	s := &Store{}
	s.now.Store(newState())
	s.reader.load = s.now.Load
	return s
}

// write publishes what change makes of a copy of the newest state, unless it returns an error.
func (s *Store) write(ctx context.Context, change func(*state) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	old := s.now.Load()
	next := old.clone()
	if err := change(next); err != nil {
		return err
	}
	if next.lastSeq > storage.MaxSeq {
		return errNoNumber
	}
	s.now.Store(next)
	if next.more != old.more {
		close(old.more)
	}
	return nil
}

// utc returns t as the contracts have it: in UTC, without a monotonic reading, the zero time unchanged.
func utc(t time.Time) time.Time { return t.Round(0).UTC() }
