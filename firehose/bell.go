package firehose

import "sync"

// bell wakes all who listen.
type bell struct {
	mu   sync.Mutex
	rung chan struct{} // closed by the next ring
	used bool          // somebody listens to it
}

func newBell() bell { return bell{rung: make(chan struct{})} }

func (b *bell) listen() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used = true
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used {
		close(b.rung)
		b.rung, b.used = make(chan struct{}), false
	}
}
