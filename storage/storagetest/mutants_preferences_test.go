package storagetest_test

import (
	"context"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// stickyPreferences gives a new account the preferences that the last one with its DID had.
type stickyPreferences struct {
	storage.Store
	kept sync.Map
}

func (s *stickyPreferences) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	if old, err := s.Preferences(ctx, did); err == nil {
		s.kept.Store(did, old)
	}
	return s.Store.DeleteAccount(ctx, did, events...)
}

func (s *stickyPreferences) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	id, err := s.Store.CreateAccount(ctx, a)
	if old, ok := s.kept.Load(a.Account.DID); ok && err == nil {
		s.UpdatePreferences(ctx, a.Account.DID, func([]byte) ([]byte, error) { return old.([]byte), nil })
	}
	return id, err
}

type lostPreferences struct{ storage.Store }

func (s lostPreferences) UpdatePreferences(
	ctx context.Context, did syntax.DID, change func(old []byte) ([]byte, error),
) error {
	old, err := s.Preferences(ctx, did)
	if err != nil {
		return err
	}
	value, err := change(old)
	if err != nil {
		return err
	}
	linger()
	return s.Store.UpdatePreferences(ctx, did, func([]byte) ([]byte, error) { return value, nil })
}
