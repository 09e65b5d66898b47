package memory

import (
	"bytes"
	"context"

	"github.com/pdskit/pdskit/storage"
)

type key struct {
	name   string
	sealed []byte
}

// PutKey implements [storage.Keys].
func (s *Store) PutKey(ctx context.Context, name string, sealed []byte) error {
	return s.write(ctx, func(s *state) error {
		old, ok := s.keys.Get(key{name: name})
		if ok && !bytes.Equal(old.sealed, sealed) {
			return storage.ErrExists
		}
		s.keys.Set(key{name, bytes.Clone(sealed)})
		return nil
	})
}

// Key implements [storage.Keys].
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k, ok := s.now.Load().keys.Get(key{name: name})
	if !ok {
		return nil, storage.ErrNotFound
	}
	return k.sealed, nil
}

// DeleteKey implements [storage.Keys].
func (s *Store) DeleteKey(ctx context.Context, name string) error {
	return s.write(ctx, func(s *state) error {
		s.keys.Delete(key{name: name})
		return nil
	})
}
