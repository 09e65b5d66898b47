package storagetest_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

type inviteLater struct{ storage.Store }

func (s inviteLater) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	invite := a.Invite
	a.Invite = nil
	id, err := s.Store.CreateAccount(ctx, a)
	if err == nil && invite != nil && s.SwapDocument(ctx, invite.Old, storage.NewDocument{Document: invite.New}) != nil {
		err = storage.ErrConflict
	}
	return id, err
}

type freeHandles struct{ storage.Store }

func (s freeHandles) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	id, err := s.Store.CreateAccount(ctx, a)
	if errors.Is(err, storage.ErrHandleTaken) {
		a.Account.Handle = ""
		return s.Store.CreateAccount(ctx, a)
	}
	return id, err
}

type lowerHandles struct{ storage.Store }

func (s lowerHandles) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	a.Account.Handle = a.Account.Handle.Normalize()
	return s.Store.CreateAccount(ctx, a)
}

type lostUpdate struct{ storage.Store }

func (s lostUpdate) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (int64, error) {
	a, err := s.Account(ctx, did)
	if err != nil {
		return 0, err
	}
	if err := change(&a); err != nil {
		return 0, err
	}
	linger()
	return s.Store.UpdateAccount(ctx, did, func(now *storage.Account) error { *now = a; return nil }, events...)
}

type keepKey struct{ storage.Store }

func (s keepKey) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	key, err := s.Document(ctx, "key", string(did))
	if err == nil {
		defer s.PutDocument(ctx, storage.NewDocument{Document: key})
	}
	return s.Store.DeleteAccount(ctx, did, events...)
}

type eagerDelete struct{ storage.Store }

func (s eagerDelete) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	if _, err := s.Account(ctx, did); err != nil {
		return s.AppendEvents(ctx, events...)
	}
	return s.Store.DeleteAccount(ctx, did, events...)
}

// stickyEnd doesn't look whether an account is active.
type stickyEnd struct{ storage.Store }

func (s stickyEnd) DueAccounts(ctx context.Context, now time.Time, limit int) iter.Seq2[syntax.DID, error] {
	return func(yield func(syntax.DID, error) bool) {
		var due []storage.Account
		for a := range s.ListAccounts(ctx, 0, 1000) {
			if !a.DeleteAfter.IsZero() && !a.DeleteAfter.After(now) {
				due = append(due, a.Account)
			}
		}
		slices.SortStableFunc(due, func(a, b storage.Account) int { return a.DeleteAfter.Compare(b.DeleteAfter) })
		for _, a := range due[:min(limit, len(due))] {
			if !yield(a.DID, nil) {
				return
			}
		}
	}
}

// emailFirst names the address if both the handle and the address are taken.
type emailFirst struct{ storage.Store }

func (s emailFirst) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (int64, error) {
	var email string
	seq, err := s.Store.UpdateAccount(ctx, did, func(a *storage.Account) error {
		err := change(a)
		email = a.Email
		return err
	}, events...)
	if errors.Is(err, storage.ErrHandleTaken) {
		if a, look := s.AccountByEmail(ctx, email); look == nil && a.DID != did {
			err = storage.ErrEmailTaken
		}
	}
	return seq, err
}
