package storagetest_test

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/pdskit/pdskit/storage"
)

type takeTwice struct{ storage.Store }

func (s takeTwice) TakeToken(ctx context.Context, kind, id string) (storage.Token, error) {
	t, err := s.Token(ctx, kind, id)
	if err == nil {
		linger()
		s.Store.TakeToken(ctx, kind, id)
	}
	return t, err
}

type blindSwap struct{ storage.Store }

func (s blindSwap) SwapToken(ctx context.Context, old, new storage.Token) error {
	now, err := s.Token(ctx, old.Kind, old.ID)
	if err != nil {
		return err
	}
	return s.Store.SwapToken(ctx, now, new)
}

type lateExpiry struct{ storage.Store }

func (s lateExpiry) ExpireTokens(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.Store.ExpireTokens(ctx, now.Add(-time.Millisecond), limit)
}

type clockwork struct{ storage.Store }

func (s clockwork) Token(ctx context.Context, kind, id string) (storage.Token, error) {
	t, err := s.Store.Token(ctx, kind, id)
	if err == nil && t.ExpiresAt.Before(time.Now()) {
		return storage.Token{}, storage.ErrNotFound
	}
	return t, err
}

type overwriteKey struct{ storage.Store }

func (s overwriteKey) PutKey(ctx context.Context, name string, sealed []byte) error {
	s.DeleteKey(ctx, name)
	return s.Store.PutKey(ctx, name, sealed)
}

type keepSlice struct {
	storage.Store
	kept sync.Map
}

func (s *keepSlice) PutKey(ctx context.Context, name string, sealed []byte) error {
	err := s.Store.PutKey(ctx, name, sealed)
	if err == nil {
		s.kept.Store(name, sealed)
	}
	return err
}

func (s *keepSlice) Key(ctx context.Context, name string) ([]byte, error) {
	sealed, err := s.Store.Key(ctx, name)
	if kept, ok := s.kept.Load(name); ok && err == nil {
		return kept.([]byte), nil
	}
	return sealed, err
}

type claimOnce struct {
	storage.Store
	mu      sync.Mutex
	claimed map[storage.BlobID]bool
}

func (s *claimOnce) ClaimBlobs(ctx context.Context, before time.Time, limit int) ([]storage.BlobID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids, err := s.Store.ClaimBlobs(ctx, before, math.MaxInt)
	ids = slices.DeleteFunc(ids, func(id storage.BlobID) bool { return s.claimed[id] })
	ids = ids[:min(limit, len(ids))]
	if s.claimed == nil {
		s.claimed = make(map[storage.BlobID]bool)
	}
	for _, id := range ids {
		s.claimed[id] = true
	}
	return ids, err
}
