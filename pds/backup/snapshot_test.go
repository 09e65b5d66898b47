package backup

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

// listings is a store that counts its listings under way: each holds a snapshot.
type listings struct {
	storage.Store
	mu   sync.Mutex
	open int
	idle chan struct{} // closed while none is under way
}

func (l *listings) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == 0 {
		l.idle = make(chan struct{})
	}
	if l.open += n; l.open == 0 {
		close(l.idle)
	}
}

func counted[T any](l *listings, list iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		l.count(1)
		defer l.count(-1)
		list(yield)
	}
}

func (l *listings) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	return counted(l, l.Store.ListEvents(ctx, r))
}

func (l *listings) ListAccounts(ctx context.Context, after int64, limit int) iter.Seq2[storage.Hosted, error] {
	return counted(l, l.Store.ListAccounts(ctx, after, limit))
}

// slowBucket puts only while no listing is under way.
type slowBucket struct {
	Bucket
	store *listings
}

func (b *slowBucket) Put(ctx context.Context, name string, r io.Reader) error {
	b.store.mu.Lock()
	idle := b.store.idle
	b.store.mu.Unlock()
	select {
	case <-idle:
		return b.Bucket.Put(ctx, name, r)
	case <-time.After(time.Minute):
		return fmt.Errorf("a snapshot is held while %s is put", name)
	}
}

// A bucket may be slow. What the store has written meanwhile can't be cleared away as long as a snapshot is held.
func TestSlowBucketHoldsNoSnapshot(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	source := w.local()
	store := &listings{Store: w.store, idle: make(chan struct{})}
	close(store.idle)
	source.Store = store
	to := &slowBucket{newDir(t), store}
	m := w.mirror(t, source, to)
	check(t, m.Sync(t.Context()))

	for i := range 100 {
		alice.put(t, fmt.Sprint("key", i), object{"text": "more than the mirror reads ahead"})
	}
	m.config.FlushEvery = time.Nanosecond
	check(t, m.Sync(t.Context()))
	intact(t, to)
}
