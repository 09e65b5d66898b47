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

func compareTokens(a, b *storage.Token) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
}

// PutToken implements [storage.Tokens].
func (s *Store) PutToken(ctx context.Context, t storage.Token) error {
	return s.write(ctx, func(s *state) error {
		if old := s.token(t.Kind, t.ID); old != nil {
			if old.ExpiresAt.After(t.IssuedAt) {
				return storage.ErrExists
			}
			s.dropToken(old)
		}
		s.putToken(t)
		return nil
	})
}

// Token implements [storage.Tokens].
func (s *Store) Token(ctx context.Context, kind, id string) (storage.Token, error) {
	return found(ctx, s.now.Load().token(kind, id))
}

// TakeToken implements [storage.Tokens].
func (s *Store) TakeToken(ctx context.Context, kind, id string) (t storage.Token, err error) {
	err = s.write(ctx, func(s *state) error {
		row := s.token(kind, id)
		if row == nil {
			return storage.ErrNotFound
		}
		s.dropToken(row)
		t = *row
		return nil
	})
	return t, err
}

// SwapToken implements [storage.Tokens].
func (s *Store) SwapToken(ctx context.Context, old, new storage.Token) error {
	return s.write(ctx, func(s *state) error { return s.swapToken(old, new) })
}

// ListTokens implements [storage.Tokens].
func (s *Store) ListTokens(ctx context.Context, kind string, did syntax.DID) iter.Seq2[storage.Token, error] {
	return func(yield func(storage.Token, error) bool) {
		s.now.Load().tokensByDID.Ascend(&storage.Token{DID: did, Kind: kind}, func(t *storage.Token) bool {
			if t.DID != did || t.Kind != kind {
				return false
			}
			if err := ctx.Err(); err != nil {
				yield(storage.Token{}, err)
				return false
			}
			return yield(*t, nil)
		})
	}
}

// DeleteTokens implements [storage.Tokens].
func (s *Store) DeleteTokens(ctx context.Context, did syntax.DID, kinds ...string) error {
	return s.write(ctx, func(s *state) error {
		s.deleteTokens(did, kinds...)
		return nil
	})
}

// ExpireTokens implements [storage.Tokens].
func (s *Store) ExpireTokens(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = s.write(ctx, func(s *state) error {
		for n < limit {
			t, ok := s.tokensByExpiry.Min()
			if !ok || t.ExpiresAt.After(now) {
				break
			}
			s.dropToken(t)
			n++
		}
		return nil
	})
	return n, err
}

// token returns a token, or nil.
func (s *state) token(kind, id string) *storage.Token {
	row, _ := s.tokens.Get(&storage.Token{Kind: kind, ID: id})
	return row
}

// putToken adds a token whose kind and ID are free.
func (s *state) putToken(t storage.Token) {
	t.Value = bytes.Clone(t.Value)
	t.IssuedAt = utc(t.IssuedAt)
	t.ExpiresAt = utc(t.ExpiresAt)
	s.tokens.Set(&t)
	s.tokensByDID.Set(&t)
	s.tokensByExpiry.Set(&t)
}

func (s *state) dropToken(row *storage.Token) {
	s.tokens.Delete(row)
	s.tokensByDID.Delete(row)
	s.tokensByExpiry.Delete(row)
}

func (s *state) swapToken(old, new storage.Token) error {
	row := s.token(old.Kind, old.ID)
	if row == nil {
		return storage.ErrNotFound
	}
	if !bytes.Equal(row.Value, old.Value) {
		return storage.ErrConflict
	}
	s.dropToken(row)
	s.putToken(new)
	return nil
}

// deleteTokens removes an account's tokens of the given kinds; of all kinds if none is given.
func (s *state) deleteTokens(did syntax.DID, kinds ...string) {
	var drop []*storage.Token
	s.tokensByDID.Ascend(&storage.Token{DID: did}, func(t *storage.Token) bool {
		if t.DID != did {
			return false
		}
		if len(kinds) == 0 || slices.Contains(kinds, t.Kind) {
			drop = append(drop, t)
		}
		return true
	})
	for _, t := range drop {
		s.dropToken(t)
	}
}
