package bolt

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// PutToken implements [storage.Tokens].
func (s *Store) PutToken(ctx context.Context, new storage.Token) error {
	return s.update(ctx, func(t tx) error {
		old, err := t.token(new.Kind, new.ID)
		switch {
		case err == nil && old.ExpiresAt.After(new.IssuedAt):
			return storage.ErrExists
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return err
		}
		return t.putToken(new)
	})
}

// Token implements [storage.Tokens].
func (s *Store) Token(ctx context.Context, kind, id string) (storage.Token, error) {
	return view(ctx, s, func(t tx) (storage.Token, error) { return t.token(kind, id) })
}

// TakeToken implements [storage.Tokens].
func (s *Store) TakeToken(ctx context.Context, kind, id string) (token storage.Token, err error) {
	err = s.update(ctx, func(t tx) error {
		if token, err = t.token(kind, id); err != nil {
			return err
		}
		return t.removeToken(token)
	})
	return token, err
}

// SwapToken implements [storage.Tokens].
func (s *Store) SwapToken(ctx context.Context, old, new storage.Token) error {
	return s.update(ctx, func(t tx) error { return t.swapToken(old, new) })
}

// ListTokens implements [storage.Tokens].
func (s *Store) ListTokens(ctx context.Context, kind string, did syntax.DID) iter.Seq2[storage.Token, error] {
	return list(ctx, s, func(t tx, yield func(storage.Token) bool) error {
		prefix := begin(did.String(), kind)
		for k := range t.prefixed(tokensByDID, prefix) {
			token, err := t.token(kind, string(k[len(prefix):]))
			if err != nil {
				return err
			}
			if !yield(token) {
				return nil
			}
		}
		return nil
	})
}

// DeleteTokens implements [storage.Tokens].
func (s *Store) DeleteTokens(ctx context.Context, did syntax.DID, kinds ...string) error {
	return s.update(ctx, func(t tx) error {
		if len(kinds) == 0 {
			return t.deleteTokens(begin(did.String()))
		}
		for _, kind := range kinds {
			if err := t.deleteTokens(begin(did.String(), kind)); err != nil {
				return err
			}
		}
		return nil
	})
}

// ExpireTokens implements [storage.Tokens].
func (s *Store) ExpireTokens(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = s.update(ctx, func(t tx) error {
		var expired []storage.Token
		for k := range t.scan(tokensByExpiry, nil, after(key(now))) {
			if len(expired) >= limit {
				break
			}
			token, err := t.tokenAt(k[len(key(now)):])
			if err != nil {
				return err
			}
			expired = append(expired, token)
		}
		n = len(expired)
		for _, token := range expired {
			if err := t.removeToken(token); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

type tokenRow struct {
	storage.Token
	DID string
}

func (t tx) token(kind, id string) (storage.Token, error) { return t.tokenAt(key(kind, id)) }

func (t tx) tokenAt(k []byte) (token storage.Token, err error) {
	b := t.get(tokens, k)
	if b == nil {
		return token, storage.ErrNotFound
	}
	var row tokenRow
	value, err := decode(b, &row)
	token = row.Token
	token.DID, token.Value = syntax.DID(row.DID), value
	return token, err
}

func (t tx) swapToken(old, new storage.Token) error {
	now, err := t.token(old.Kind, old.ID)
	if err != nil {
		return err
	}
	if !bytes.Equal(now.Value, old.Value) {
		return storage.ErrConflict
	}
	return t.putToken(new)
}

// putToken puts a token in the place of the one with its kind and ID.
func (t tx) putToken(new storage.Token) error {
	old, err := t.token(new.Kind, new.ID)
	if err == nil {
		err = t.removeToken(old)
	}
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	value := new.Value
	new.Value, new.IssuedAt, new.ExpiresAt = nil, new.IssuedAt.UTC(), new.ExpiresAt.UTC()
	row, err := encode(tokenRow{new, new.DID.String()}, value)
	if err != nil {
		return err
	}
	k := key(new.Kind, new.ID)
	return errors.Join(
		t.put(tokens, k, row),
		t.put(tokensByDID, key(new.DID.String(), k), nil),
		t.put(tokensByExpiry, key(new.ExpiresAt, k), nil))
}

func (t tx) removeToken(old storage.Token) error {
	k := key(old.Kind, old.ID)
	return errors.Join(
		t.delete(tokens, k),
		t.delete(tokensByDID, key(old.DID.String(), k)),
		t.delete(tokensByExpiry, key(old.ExpiresAt, k)))
}

// deleteTokens removes the tokens whose keys by DID begin so.
func (t tx) deleteTokens(prefix []byte) error {
	var found []storage.Token
	for k := range t.prefixed(tokensByDID, prefix) {
		token, err := t.tokenAt(k[bytes.IndexByte(k, 0)+1:])
		if err != nil {
			return err
		}
		found = append(found, token)
	}
	for _, token := range found {
		if err := t.removeToken(token); err != nil {
			return err
		}
	}
	return nil
}
