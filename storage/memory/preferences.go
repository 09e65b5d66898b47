package memory

import (
	"bytes"
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// preferences are those of an account that has some.
type preferences struct {
	did   syntax.DID
	value []byte
}

// Preferences implements [storage.Accounts].
func (s *Store) Preferences(ctx context.Context, did syntax.DID) ([]byte, error) {
	now := s.now.Load()
	if _, err := found(ctx, now.account(did)); err != nil {
		return nil, err
	}
	p, _ := now.preferences.Get(preferences{did: did})
	return p.value, nil
}

// UpdatePreferences implements [storage.Accounts]. Other writers wait for change.
func (s *Store) UpdatePreferences(
	ctx context.Context, did syntax.DID, change func(old []byte) ([]byte, error),
) error {
	return s.write(ctx, func(s *state) error {
		if s.account(did) == nil {
			return storage.ErrNotFound
		}
		old, _ := s.preferences.Get(preferences{did: did})
		value, err := change(old.value)
		if err != nil {
			return err
		}
		s.preferences.Set(preferences{did, bytes.Clone(value)})
		return nil
	})
}
