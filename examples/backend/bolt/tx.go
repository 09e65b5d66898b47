package bolt

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"syscall"

	"go.etcd.io/bbolt"

	"github.com/pdskit/pdskit/storage"
)

// tx is a transaction.
type tx struct {
	*bbolt.Tx
	store *Store
}

// update makes a write, together with others that wait at the same moment. do may be called more than once.
func (s *Store) update(ctx context.Context, do func(tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.db.Batch(func(t *bbolt.Tx) error { return do(tx{t, s}) })
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("%w: %w", storage.ErrFull, err)
	}
	return err
}

// view reads.
func view[V any](ctx context.Context, s *Store, do func(tx) (V, error)) (v V, err error) {
	if err := ctx.Err(); err != nil {
		return v, err
	}
	err = s.db.View(func(t *bbolt.Tx) error {
		v, err = do(tx{t, s})
		return err
	})
	return v, err
}

// list is a listing in one transaction, which lasts as long as the loop.
func list[V any](ctx context.Context, s *Store, do func(t tx, yield func(V) bool) error) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		stopped := false
		err := s.db.View(func(t *bbolt.Tx) (err error) {
			stopped, err = loop(ctx, tx{t, s}, do, yield)
			return err
		})
		if err != nil && !stopped {
			var none V
			yield(none, err)
		}
	}
}

// loop yields what do does, and reports whether the loop was stopped: then nothing more may be yielded.
func loop[V any](
	ctx context.Context, t tx, do func(t tx, yield func(V) bool) error, yield func(V, error) bool,
) (stopped bool, err error) {
	var ended error
	err = do(t, func(v V) bool {
		if ended = ctx.Err(); ended != nil {
			return false
		}
		stopped = !yield(v, nil)
		return !stopped
	})
	return stopped, errors.Join(ended, err)
}

// scan yields the keys from low to before high, or to the end if high is nil. They and their values are bbolt's.
func (t tx) scan(bucket, low, high []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := t.Bucket(bucket).Cursor()
		for k, v := c.Seek(low); k != nil && (high == nil || string(k) < string(high)); k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
	}
}

// scanBack is scan from the end.
func (t tx) scanBack(bucket, low, high []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := t.Bucket(bucket).Cursor()
		k, v := c.Seek(high)
		if k == nil {
			k, v = c.Last()
		}
		for ; k != nil && string(k) >= string(low); k, v = c.Prev() {
			if string(k) < string(high) && !yield(k, v) {
				return
			}
		}
	}
}

// prefixed is scan of all keys that begin so.
func (t tx) prefixed(bucket, prefix []byte) iter.Seq2[[]byte, []byte] {
	return t.scan(bucket, prefix, after(prefix))
}

// has reports whether a key begins so.
func (t tx) has(bucket, prefix []byte) bool {
	for range t.prefixed(bucket, prefix) {
		return true
	}
	return false
}

func (t tx) get(bucket, key []byte) []byte { return t.Bucket(bucket).Get(key) }

func (t tx) put(bucket, key, value []byte) error { return t.Bucket(bucket).Put(key, value) }

func (t tx) delete(bucket, key []byte) error { return t.Bucket(bucket).Delete(key) }

// set has an index have a key or not.
func (t tx) set(bucket, key []byte, there bool) error {
	if there {
		return t.put(bucket, key, nil)
	}
	return t.delete(bucket, key)
}

// deleteAll deletes up to limit keys that begin so, and returns how many it did.
func (t tx) deleteAll(bucket, prefix []byte, limit int) (n int, err error) {
	var found [][]byte
	for k := range t.prefixed(bucket, prefix) {
		if len(found) >= limit {
			break
		}
		found = append(found, clone(k))
	}
	for _, k := range found {
		if err := t.delete(bucket, k); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}
