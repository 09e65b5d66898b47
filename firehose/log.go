package firehose

import (
	"context"
	"iter"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// Log is a store that tells those who follow its outgoing log of each write that appends to it, without delay. All
// writes have to go through it.
type Log struct {
	storage.Store
	bell bell
}

var _ storage.Store = (*Log)(nil)

// NewLog wraps a store.
func NewLog(store storage.Store) *Log {
	return &Log{Store: store, bell: bell{rung: make(chan struct{})}}
}

// Unwrap returns the store itself. See [storage.As].
func (l *Log) Unwrap() storage.Store { return l.Store }

// Tail yields the events whose sequence number is greater than after, first those that are there and then each new one
// as it comes, until ctx ends: then it yields the context's error. They are as they're stored, and nothing is said about
// events that have been removed from the log: see [Log.Subscribe]. As there, a slow loop delays nobody.
func (l *Log) Tail(ctx context.Context, after int64) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		for {
			rung := l.bell.listen() // before the look, so that nothing is missed after it
			events, full, err := l.read(ctx, after)
			if err != nil {
				yield(storage.Event{}, err)
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
				after = e.Seq
			}
			if full {
				continue
			}
			select {
			case <-rung:
			case <-ctx.Done():
				yield(storage.Event{}, ctx.Err())
				return
			}
		}
	}
}

// CreateAccount implements [storage.Accounts].
func (l *Log) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	defer l.bell.ring()
	return l.Store.CreateAccount(ctx, a)
}

// UpdateAccount implements [storage.Accounts].
func (l *Log) UpdateAccount(ctx context.Context, did syntax.DID, change func(*storage.Account) error,
	events ...storage.Event) (int64, error) {
	defer l.bell.ring()
	return l.Store.UpdateAccount(ctx, did, change, events...)
}

// DeleteAccount implements [storage.Accounts].
func (l *Log) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	defer l.bell.ring()
	return l.Store.DeleteAccount(ctx, did, events...)
}

// Commit implements [storage.Repos].
func (l *Log) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	defer l.bell.ring()
	return l.Store.Commit(ctx, c)
}

// Replace implements [storage.Repos].
func (l *Log) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	defer l.bell.ring()
	return l.Store.Replace(ctx, c, rows)
}

// AppendEvents implements [storage.Events].
func (l *Log) AppendEvents(ctx context.Context, events ...storage.Event) (int64, error) {
	defer l.bell.ring()
	return l.Store.AppendEvents(ctx, events...)
}

// bell wakes all who listen.
type bell struct {
	mu   sync.Mutex
	rung chan struct{} // closed by the next ring
	used bool          // somebody listens to it
}

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
