package main

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// store is another store, but for its tokens. Two of the other's writes have to do with tokens, and are done in two steps
// here. The order of the steps is such that a crash between them can't let anybody in: it costs an invite, or the sessions
// of an account that is being deleted.
type store struct {
	storage.Store
	tokens *tokens
}

var _ storage.Store = (*store)(nil)

// Unwrap lets the capabilities of the other store be found.
func (s *store) Unwrap() storage.Store { return s.Store }

// CreateAccount implements storage.Accounts: the invite is used up first, and given back if there is no account.
func (s *store) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	invite := a.Invite
	if a.Invite = nil; invite == nil {
		return s.Store.CreateAccount(ctx, a)
	}
	unused, err := s.tokens.swap(ctx, invite.Old, invite.New)
	if errors.Is(err, storage.ErrNotFound) {
		err = storage.ErrConflict
	}
	if err != nil {
		return 0, err
	}
	id, err := s.Store.CreateAccount(ctx, a)
	if nothingWritten(err) {
		if _, back := s.tokens.swap(context.WithoutCancel(ctx), invite.New, unused); back != nil {
			err = errors.Join(err, back)
		}
	}
	return id, err
}

// nothingWritten says whether a write has certainly not happened: the sentinel errors say that, others don't.
func nothingWritten(err error) bool {
	for _, sentinel := range []error{storage.ErrNotFound, storage.ErrExists, storage.ErrConflict, storage.ErrFull} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}

// DeleteAccount implements storage.Accounts.
func (s *store) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	switch _, err := s.Account(ctx, did); {
	case errors.Is(err, storage.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	}
	if err := s.tokens.delete(ctx, did, nil); err != nil {
		return 0, err
	}
	return s.Store.DeleteAccount(ctx, did, events...)
}

// The rest implements storage.Tokens.

func (s *store) PutToken(ctx context.Context, t storage.Token) error { return s.tokens.put(ctx, t) }

func (s *store) Token(ctx context.Context, kind, id string) (storage.Token, error) {
	return s.tokens.get(ctx, kind, id)
}

func (s *store) TakeToken(ctx context.Context, kind, id string) (storage.Token, error) {
	return s.tokens.take(ctx, kind, id)
}

func (s *store) SwapToken(ctx context.Context, old, new storage.Token) error {
	_, err := s.tokens.swap(ctx, old, new)
	return err
}

func (s *store) ListTokens(ctx context.Context, kind string, did syntax.DID) iter.Seq2[storage.Token, error] {
	return s.tokens.list(ctx, kind, did)
}

func (s *store) DeleteTokens(ctx context.Context, did syntax.DID, kinds ...string) error {
	return s.tokens.delete(ctx, did, kinds)
}

func (s *store) ExpireTokens(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.tokens.expire(ctx, now, limit)
}
