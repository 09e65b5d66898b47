package sqlite

import (
	"context"
	"errors"
	"iter"
	"sync"

	lite "zombiezen.com/go/sqlite"
)

// pool is the connections for reading. Up to max of them are kept; there may be more while many are in use.
type pool struct {
	path  string
	cache int // bytes of page cache, each
	max   int

	// points has a place for each single read under way. Single reads run nobody else's code while they have a
	// connection, so they may wait for one another. Loops and snapshots may not: one may be inside another.
	points chan struct{}

	mu     sync.Mutex
	closed bool
	idle   []*conn
	inUse  sync.WaitGroup // Add only while holding mu, and not closed
}

func newPool(path string, max, cache int) *pool {
	return &pool{path: path, max: max, cache: cache, points: make(chan struct{}, max)}
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	p.inUse.Add(1)
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c, err := openConn(p.path, lite.OpenReadOnly, p.cache)
	if err != nil {
		p.inUse.Done()
		return nil, err
	}
	return c, nil
}

func (p *pool) put(c *conn) {
	defer p.inUse.Done()
	p.mu.Lock()
	if len(p.idle) < p.max && c.AutocommitEnabled() { // a transaction that couldn't be ended ends with its connection
		p.idle = append(p.idle, c)
		c = nil
	}
	p.mu.Unlock()
	if c != nil {
		c.Close()
	}
}

// close waits until all connections are back, and closes them.
func (p *pool) close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.inUse.Wait()
	var errs []error
	for _, c := range p.idle {
		errs = append(errs, c.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}

// read runs a single read on a connection.
func read[T any](ctx context.Context, p *pool, do func(*conn) (T, error)) (v T, err error) {
	select {
	case p.points <- struct{}{}:
		defer func() { <-p.points }()
	case <-ctx.Done():
		return v, ctx.Err()
	}
	c, err := p.take(ctx)
	if err != nil {
		return v, err
	}
	defer p.put(c)
	return do(c)
}

// list gives a loop a connection for as long as it lasts.
func list[T any](ctx context.Context, p *pool, rows func(*conn) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		c, err := p.take(ctx)
		if err != nil {
			failed[T](err)(yield)
			return
		}
		defer p.put(c)
		rows(c)(yield)
	}
}

// failed returns a listing of nothing but an error.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		yield(zero, err)
	}
}
