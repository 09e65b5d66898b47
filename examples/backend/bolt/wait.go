package bolt

import (
	"context"
	"sync"
)

// WaitEvents implements [storage.Events]. Only one process at a time has the file open, so every
// writer is in this one.
func (s *Store) WaitEvents(ctx context.Context, after int64) error {
	for {
		written := s.written.next() // before the look, so that no event comes between the two unnoticed
		there, err := view(ctx, s, func(t tx) (bool, error) {
			for range t.scan(events, key(max(after, 0)+1), nil) {
				return true, nil
			}
			return false, nil
		})
		if there || err != nil {
			return err
		}
		select {
		case <-written:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// bell wakes everybody who waits for it.
type bell struct {
	mu   sync.Mutex
	rung chan struct{} // closed by the next ring; nil while nobody waits
}

// next returns a channel that the next ring closes.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}
