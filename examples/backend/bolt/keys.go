package bolt

import (
	"bytes"
	"context"

	"github.com/pdskit/pdskit/storage"
)

// PutKey implements [storage.Keys].
func (s *Store) PutKey(ctx context.Context, name string, sealed []byte) error {
	return s.update(ctx, func(t tx) error {
		if old := t.get(keys, key(name)); old != nil && !bytes.Equal(old, sealed) {
			return storage.ErrExists
		}
		return t.put(keys, key(name), clone(sealed))
	})
}

// Key implements [storage.Keys].
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	return view(ctx, s, func(t tx) ([]byte, error) {
		if sealed := t.get(keys, key(name)); sealed != nil {
			return clone(sealed), nil
		}
		return nil, storage.ErrNotFound
	})
}

// DeleteKey implements [storage.Keys].
func (s *Store) DeleteKey(ctx context.Context, name string) error {
	return s.update(ctx, func(t tx) error { return t.delete(keys, key(name)) })
}
