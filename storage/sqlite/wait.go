package sqlite

import (
	"context"
	"sync"
	"time"
)

// pollEvery is how often a store that is open for reading only looks for events. Nobody rings its
// bell, because another store writes them, usually in another process.
const pollEvery = 200 * time.Millisecond

// bell wakes the calls of WaitEvents.
type bell struct {
	mu     sync.Mutex
	next   *ring
	closed bool
}

// ring is one ringing of the bell.
type ring struct {
	rung chan struct{} // closed when it has rung
	seq  int64         // of the newest event then; 0 if the store was closed. Set before rung is closed
}

func newBell() *bell { return &bell{next: &ring{rung: make(chan struct{})}} }

// wait returns the next ringing. Call it before looking for an event in the log: an event is either
// found there, or rings afterwards.
func (b *bell) wait() *ring {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

// ring wakes all who wait. Call it once readers can see the event with number seq.
func (b *bell) ring(seq int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.next.seq = seq
	close(b.next.rung)
	b.next = &ring{rung: make(chan struct{})}
}

// close ends all waiting, now and later.
func (b *bell) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.next.rung)
	}
}

// WaitEvents implements [storage.Events]. It reads the log once and then waits for the writer to
// ring the bell. A store that is open for reading only looks every 200 milliseconds instead.
func (s *Store) WaitEvents(ctx context.Context, after int64) error {
	var poll <-chan time.Time
	if s.readOnly() {
		ticker := time.NewTicker(pollEvery)
		defer ticker.Stop()
		poll = ticker.C
	}
	for {
		next := s.bell.wait()
		there, err := read(ctx, s.readers, func(db *conn) (bool, error) {
			return exists(db, `SELECT 1 FROM events WHERE seq > ?1`, after)
		})
		if err != nil || there {
			return err
		}
		select {
		case <-next.rung:
			switch {
			case next.seq == 0:
				return errClosed
			case next.seq > after:
				return nil
			}
		case <-poll:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
