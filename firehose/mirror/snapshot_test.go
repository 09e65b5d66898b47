package mirror

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

// listings is a store that counts its listings under way: each holds a snapshot.
type listings struct {
	storage.Store
	open atomic.Int32
}

func count[T any](open *atomic.Int32, list iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		open.Add(1)
		defer open.Add(-1)
		list(yield)
	}
}

func (l *listings) ListEvents(ctx context.Context, after int64, limit int) iter.Seq2[storage.Event, error] {
	return count(&l.open, l.Store.ListEvents(ctx, after, limit))
}

func (l *listings) ListAccounts(ctx context.Context, after int64, limit int) iter.Seq2[storage.Hosted, error] {
	return count(&l.open, l.Store.ListAccounts(ctx, after, limit))
}

// slowBucket puts only while no listing is under way.
type slowBucket struct {
	Bucket
	store *listings
}

func (b *slowBucket) Put(ctx context.Context, name string, r io.Reader) error {
	for begin := time.Now(); b.store.open.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > 5*time.Second {
			return fmt.Errorf("a snapshot is held while %s is put", name)
		}
	}
	return b.Bucket.Put(ctx, name, r)
}

// A bucket may be slow. What the store has written meanwhile can't be cleared away as long as a snapshot is held.
func TestSlowBucketHoldsNoSnapshot(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	source := w.local()
	store := &listings{Store: w.store}
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
