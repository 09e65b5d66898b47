package sqlite

import (
	"context"
	"sync"
	"time"
)

// pollEvery is how often a store that is open for reading only looks for events. Another process writes them, which
// can't wake it.
const pollEvery = 200 * time.Millisecond

// bell wakes those who wait for events.
type bell struct {
	mu     sync.Mutex
	next   *ring
	closed bool
}

// ring is one time that the bell rings.
type ring struct {
	rung chan struct{} // closed when it has rung
	seq  int64         // then: of the newest event; 0 if the store was closed
}

func newBell() *bell { return &bell{next: &ring{rung: make(chan struct{})}} }

// wait returns the next time that the bell rings. What has rung before, an event that is written already, is found in
// the log.
func (b *bell) wait() *ring {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

// ring wakes all who wait. The event with number seq can be read.
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

// WaitEvents implements [storage.Events]. The writer wakes it. Of a store that is open for reading only, it looks every
// 200 milliseconds.
func (s *Store) WaitEvents(ctx context.Context, after int64) error {
	var poll <-chan time.Time
	if s.readOnly() {
		ticker := time.NewTicker(pollEvery)
		defer ticker.Stop()
		poll = ticker.C
	}
	for {
		next := s.bell.wait() // before looking, so that no event comes between
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
