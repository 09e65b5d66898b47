package storagetest_test

import (
	"context"
	"iter"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

type takeTwice struct{ storage.Store }

func (s takeTwice) TakeDocument(ctx context.Context, kind, id string) (storage.Document, error) {
	d, err := s.Document(ctx, kind, id)
	if err == nil {
		linger()
		s.Store.TakeDocument(ctx, kind, id)
	}
	return d, err
}

type blindSwap struct{ storage.Store }

func (s blindSwap) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	now, err := s.Document(ctx, old.Kind, old.ID)
	if err != nil {
		return err
	}
	return s.Store.SwapDocument(ctx, now, new)
}

type lateExpiry struct{ storage.Store }

func (s lateExpiry) ExpireDocuments(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.Store.ExpireDocuments(ctx, now.Add(-time.Millisecond), limit)
}

// greedyExpiry takes the zero time for one that is long past.
type greedyExpiry struct{ storage.Store }

func (s greedyExpiry) PutDocument(ctx context.Context, d storage.NewDocument) error {
	d.Document = finite(d.Document)
	return s.Store.PutDocument(ctx, d)
}

func (s greedyExpiry) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	new.Document = finite(new.Document)
	return s.Store.SwapDocument(ctx, old, new)
}

func (s greedyExpiry) Document(ctx context.Context, kind, id string) (storage.Document, error) {
	d, err := s.Store.Document(ctx, kind, id)
	return infinite(d), err
}

func (s greedyExpiry) TakeDocument(ctx context.Context, kind, id string) (storage.Document, error) {
	d, err := s.Store.TakeDocument(ctx, kind, id)
	return infinite(d), err
}

func (s greedyExpiry) ListDocuments(ctx context.Context, r storage.DocumentRange) iter.Seq2[storage.Document, error] {
	return func(yield func(storage.Document, error) bool) {
		for d, err := range s.Store.ListDocuments(ctx, r) {
			if !yield(infinite(d), err) {
				return
			}
		}
	}
}

// longPast is how a [greedyExpiry] keeps the zero time.
var longPast = time.Unix(-1e9, 0).UTC()

func finite(d storage.Document) storage.Document {
	if d.ExpiresAt.IsZero() {
		d.ExpiresAt = longPast
	}
	return d
}

func infinite(d storage.Document) storage.Document {
	if d.ExpiresAt.Equal(longPast) {
		d.ExpiresAt = time.Time{}
	}
	return d
}

type clockwork struct{ storage.Store }

func (s clockwork) Document(ctx context.Context, kind, id string) (storage.Document, error) {
	d, err := s.Store.Document(ctx, kind, id)
	if err == nil && !d.ExpiresAt.IsZero() && d.ExpiresAt.Before(time.Now()) {
		return storage.Document{}, storage.ErrNotFound
	}
	return d, err
}

type keepSlice struct {
	storage.Store
	kept sync.Map
}

func (s *keepSlice) PutDocument(ctx context.Context, d storage.NewDocument) error {
	err := s.Store.PutDocument(ctx, d)
	if err == nil {
		s.kept.Store(d.Kind+d.ID, d.Value)
	}
	return err
}

func (s *keepSlice) Document(ctx context.Context, kind, id string) (storage.Document, error) {
	d, err := s.Store.Document(ctx, kind, id)
	if kept, ok := s.kept.Load(kind + id); ok && err == nil {
		d.Value = kept.([]byte)
	}
	return d, err
}

// earlyLimit counts before it writes.
type earlyLimit struct{ storage.Store }

func (s earlyLimit) PutDocument(ctx context.Context, d storage.NewDocument) error {
	if _, err := s.Document(ctx, d.Kind, d.ID); d.Limit > 0 && d.Guard == nil && err != nil {
		n := 0
		for o := range s.ListDocuments(ctx, storage.DocumentRange{Kind: d.Kind, Owner: d.Owner}) {
			if o.ExpiresAt.IsZero() || o.ExpiresAt.After(d.IssuedAt) {
				n++
			}
		}
		if n >= d.Limit {
			return storage.ErrLimit
		}
		d.Limit = 0
		linger()
	}
	return s.Store.PutDocument(ctx, d)
}

// countAll counts expired documents, too.
type countAll struct{ storage.Store }

func (s countAll) PutDocument(ctx context.Context, d storage.NewDocument) error {
	n, err := s.CountDocuments(ctx, storage.DocumentRange{Kind: d.Kind, Owner: d.Owner})
	if err == nil && d.Limit > 0 && n >= int64(d.Limit) {
		return storage.ErrLimit
	}
	return s.Store.PutDocument(ctx, d)
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

// nobodys removes the documents of all when it is told to remove those of nobody.
type nobodys struct{ storage.Store }

func (s nobodys) DeleteDocuments(ctx context.Context, owner syntax.DID, kinds ...string) error {
	if owner != "" {
		return s.Store.DeleteDocuments(ctx, owner, kinds...)
	}
	for _, kind := range kinds {
		for d := range s.ListDocuments(ctx, storage.DocumentRange{Kind: kind}) {
			s.TakeDocument(ctx, d.Kind, d.ID)
		}
	}
	return nil
}

// unlimited limits only what has an owner.
type unlimited struct{ storage.Store }

func (s unlimited) PutDocument(ctx context.Context, d storage.NewDocument) error {
	if d.Owner == "" {
		d.Limit = 0
	}
	return s.Store.PutDocument(ctx, d)
}

// emptyRange finds nothing where it should complain.
type emptyRange struct{ storage.Store }

func (s emptyRange) ListDocuments(ctx context.Context, r storage.DocumentRange) iter.Seq2[storage.Document, error] {
	if r.Validate() != nil {
		return func(func(storage.Document, error) bool) {}
	}
	return s.Store.ListDocuments(ctx, r)
}

// lateMark marks the blobs of a deleted account no earlier than others.
type lateMark struct{ claimOnce }

func (s *lateMark) ClaimBlobs(ctx context.Context, before time.Time, limit int) ([]storage.BlobID, error) {
	ids, err := s.Store.ClaimBlobs(ctx, before, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claimed == nil {
		s.claimed = make(map[storage.BlobID]bool)
	}
	for _, id := range ids {
		s.claimed[id] = true
	}
	return ids, err
}

func (s *lateMark) RemoveBlob(ctx context.Context, id storage.BlobID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.claimed[id] {
		return nil
	}
	return s.Store.RemoveBlob(ctx, id)
}
