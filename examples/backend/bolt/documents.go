package bolt

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// PutDocument implements [storage.Documents].
func (s *Store) PutDocument(ctx context.Context, new storage.NewDocument) error {
	return s.update(ctx, func(t tx) error {
		if err := t.guard(new.Owner, new.Guard); err != nil {
			return err
		}
		old, err := t.document(key(new.Kind, new.ID))
		switch {
		case err == nil && !expired(old, new.IssuedAt):
			return storage.ErrExists
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return err
		}
		if err := t.limit(new); err != nil {
			return err
		}
		return t.putDocument(new.Document)
	})
}

// Document implements [storage.Documents].
func (s *Store) Document(ctx context.Context, kind, id string) (storage.Document, error) {
	return view(ctx, s, func(t tx) (storage.Document, error) { return t.document(key(kind, id)) })
}

// TakeDocument implements [storage.Documents].
func (s *Store) TakeDocument(ctx context.Context, kind, id string) (d storage.Document, err error) {
	err = s.update(ctx, func(t tx) error {
		if d, err = t.document(key(kind, id)); err != nil {
			return err
		}
		return t.removeDocument(d)
	})
	if err != nil {
		return storage.Document{}, err
	}
	return d, nil
}

// SwapDocument implements [storage.Documents].
func (s *Store) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	return s.update(ctx, func(t tx) error {
		if err := t.guard(new.Owner, new.Guard); err != nil {
			return err
		}
		return t.swapDocument(old, new.Document)
	})
}

// ListDocuments implements [storage.Documents].
func (s *Store) ListDocuments(ctx context.Context, r storage.DocumentRange) iter.Seq2[storage.Document, error] {
	return list(ctx, s, func(t tx, yield func(storage.Document) bool) error {
		if err := r.Validate(); err != nil {
			return err
		}
		for k := range t.documentKeys(r) {
			d, err := t.document(k)
			if err != nil {
				return err
			}
			if !yield(d) {
				return nil
			}
		}
		return nil
	})
}

// CountDocuments implements [storage.Documents].
func (s *Store) CountDocuments(ctx context.Context, r storage.DocumentRange) (int64, error) {
	if err := r.Validate(); err != nil {
		return 0, err
	}
	return view(ctx, s, func(t tx) (n int64, err error) {
		for range t.documentKeys(r) {
			n++
		}
		return n, nil
	})
}

// DeleteDocuments implements [storage.Documents].
func (s *Store) DeleteDocuments(ctx context.Context, owner syntax.DID, kinds ...string) error {
	return s.update(ctx, func(t tx) error {
		for _, kind := range kinds {
			if err := t.deleteDocuments(owner, begin(kind)); err != nil {
				return err
			}
		}
		return nil
	})
}

// ExpireDocuments implements [storage.Documents].
func (s *Store) ExpireDocuments(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = s.update(ctx, func(t tx) error {
		due := after(key(now))
		n, err = t.removeDocuments(documentsByExpiry, nil, due, len(due), limit)
		return err
	})
	return n, err
}

// expired reports whether a document has expired at a time.
func expired(d storage.Document, now time.Time) bool {
	return !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now)
}
