package memory

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

func compareDocuments(a, b *storage.Document) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
}

// PutDocument implements [storage.Documents].
func (s *Store) PutDocument(ctx context.Context, d storage.NewDocument) error {
	return s.write(ctx, func(s *state) error {
		if err := s.admit(d.Owner, d.Guard); err != nil {
			return err
		}
		if old := s.document(d.Kind, d.ID); old != nil {
			if !expired(old, d.IssuedAt) {
				return storage.ErrExists
			}
			s.dropDocument(old)
		}
		if d.Limit > 0 && s.valid(d.Kind, d.Owner, d.IssuedAt) >= d.Limit {
			return storage.ErrLimit
		}
		s.putDocument(d.Document)
		return nil
	})
}

// Document implements [storage.Documents].
func (s *Store) Document(ctx context.Context, kind, id string) (storage.Document, error) {
	return found(ctx, s.now.Load().document(kind, id))
}

// TakeDocument implements [storage.Documents].
func (s *Store) TakeDocument(ctx context.Context, kind, id string) (d storage.Document, err error) {
	err = s.write(ctx, func(s *state) error {
		row := s.document(kind, id)
		if row == nil {
			return storage.ErrNotFound
		}
		s.dropDocument(row)
		d = *row
		return nil
	})
	return d, err
}

// SwapDocument implements [storage.Documents].
func (s *Store) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	return s.write(ctx, func(s *state) error {
		if err := s.admit(new.Owner, new.Guard); err != nil {
			return err
		}
		return s.swapDocument(old, new.Document)
	})
}

// ListDocuments implements [storage.Documents].
func (s *Store) ListDocuments(ctx context.Context, r storage.DocumentRange) iter.Seq2[storage.Document, error] {
	return func(yield func(storage.Document, error) bool) {
		if err := r.Validate(); err != nil {
			yield(storage.Document{}, err)
			return
		}
		s.now.Load().scanDocuments(r, func(d *storage.Document) bool {
			if err := ctx.Err(); err != nil {
				yield(storage.Document{}, err)
				return false
			}
			return yield(*d, nil)
		})
	}
}

// CountDocuments implements [storage.Documents].
func (s *Store) CountDocuments(ctx context.Context, r storage.DocumentRange) (n int64, err error) {
	if err := r.Validate(); err != nil {
		return 0, err
	}
	s.now.Load().scanDocuments(r, func(*storage.Document) bool { n++; return true })
	return n, ctx.Err()
}

// DeleteDocuments implements [storage.Documents].
func (s *Store) DeleteDocuments(ctx context.Context, owner syntax.DID, kinds ...string) error {
	return s.write(ctx, func(s *state) error {
		s.deleteDocuments(owner, func(kind string) bool { return slices.Contains(kinds, kind) })
		return nil
	})
}

// ExpireDocuments implements [storage.Documents].
func (s *Store) ExpireDocuments(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = s.write(ctx, func(s *state) error {
		for n < limit {
			d, ok := s.documentsByExpiry.Min()
			if !ok || !expired(d, now) {
				break
			}
			s.dropDocument(d)
			n++
		}
		return nil
	})
	return n, err
}

// expired says whether a document has expired at some time.
func expired(d *storage.Document, now time.Time) bool {
	return !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now)
}

// document returns a document, or nil.
func (s *state) document(kind, id string) *storage.Document {
	row, _ := s.documents.Get(&storage.Document{Kind: kind, ID: id})
	return row
}

// putDocument adds a document whose kind and ID are free.
func (s *state) putDocument(d storage.Document) {
	d.Value = bytes.Clone(d.Value)
	d.IssuedAt = utc(d.IssuedAt)
	d.ExpiresAt = utc(d.ExpiresAt)
	s.documents.Set(&d)
	s.documentsByOwner.Set(&d)
	if !d.ExpiresAt.IsZero() {
		s.documentsByExpiry.Set(&d)
	}
}

func (s *state) dropDocument(row *storage.Document) {
	s.documents.Delete(row)
	s.documentsByOwner.Delete(row)
	s.documentsByExpiry.Delete(row)
}

func (s *state) swapDocument(old, new storage.Document) error {
	row := s.document(old.Kind, old.ID)
	if row == nil {
		return storage.ErrNotFound
	}
	if !bytes.Equal(row.Value, old.Value) {
		return storage.ErrConflict
	}
	s.dropDocument(row)
	s.putDocument(new)
	return nil
}

// scanDocuments calls each with the documents of a range until it returns false.
func (s *state) scanDocuments(r storage.DocumentRange, each func(*storage.Document) bool) {
	table := s.documents
	if r.Owner != "" {
		table = s.documentsByOwner
	}
	n := 0
	first := &storage.Document{Owner: r.Owner, Kind: r.Kind, ID: r.After}
	table.Ascend(first, func(d *storage.Document) bool {
		switch {
		case r.Owner != "" && d.Owner != r.Owner, r.Kind != "" && d.Kind != r.Kind, r.Limit > 0 && n >= r.Limit:
			return false
		case r.After != "" && d.ID == r.After:
			return true
		}
		n++
		return each(d)
	})
}

// valid counts an owner's documents of a kind that haven't expired at some time. Owner "" has those
// without an owner.
func (s *state) valid(kind string, owner syntax.DID, now time.Time) (n int) {
	s.documentsByOwner.Ascend(&storage.Document{Owner: owner, Kind: kind}, func(d *storage.Document) bool {
		if d.Owner != owner || d.Kind != kind {
			return false
		}
		if !expired(d, now) {
			n++
		}
		return true
	})
	return n
}

// deleteDocuments removes an account's documents of some kinds. It keeps those without an owner.
func (s *state) deleteDocuments(owner syntax.DID, of func(kind string) bool) {
	if owner == "" {
		return
	}
	var drop []*storage.Document
	s.scanDocuments(storage.DocumentRange{Owner: owner}, func(d *storage.Document) bool {
		if of(d.Kind) {
			drop = append(drop, d)
		}
		return true
	})
	for _, d := range drop {
		s.dropDocument(d)
	}
}
