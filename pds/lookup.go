package pds

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// find returns the account behind a handle or DID. Error: storage.ErrNotFound.
func (s *Server) find(ctx context.Context, id syntax.AtIdentifier) (storage.Account, error) {
	if id.IsDID() {
		return s.store.Account(ctx, id.DID())
	}
	return s.store.AccountByHandle(ctx, id.Handle().Normalize())
}

// readable returns the account behind a handle or DID if the caller may read its repo: an active one anybody, any other
// the operator and the owner.
func (s *Server) readable(ctx context.Context, id syntax.AtIdentifier, caller auth.Caller) (storage.Account, error) {
	account, err := s.find(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return account, hosting.RepoNotFound(id)
	}
	if err != nil || caller.Kind == auth.KindAdmin || caller.DID == account.DID {
		return account, err
	}
	switch account.Status() {
	case storage.StatusActive:
		return account, nil
	case storage.StatusDeactivated:
		return account, xrpc.Errorf("RepoDeactivated", "Repo has been deactivated: %s", id)
	case storage.StatusSuspended:
		return account, xrpc.Errorf("RepoSuspended", "Repo has been suspended: %s", id)
	}
	return account, xrpc.Errorf("RepoTakendown", "Repo has been takendown: %s", id)
}

// writable returns the caller's own account if id names it and its repo may be written to.
func (s *Server) writable(ctx context.Context, id syntax.AtIdentifier, caller auth.Caller) (storage.Account, error) {
	account, err := s.find(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound) && id.DID() == caller.DID:
		return account, auth.ErrAccountNotFound
	case errors.Is(err, storage.ErrNotFound) || err == nil && account.DID != caller.DID:
		return account, auth.ErrAuthRequired
	case err == nil && account.TakedownRef != "":
		return account, auth.ErrAccountTakedown
	case err == nil && account.Status() == storage.StatusDeactivated:
		return account, auth.ErrAccountDeactivated
	}
	return account, err
}

// own returns the caller's own account, unless it is taken down.
func (s *Server) own(ctx context.Context, caller auth.Caller) (storage.Account, error) {
	account, err := s.store.Account(ctx, caller.DID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return account, auth.ErrAccountNotFound
	case err == nil && account.TakedownRef != "":
		return account, auth.ErrAccountTakedown
	}
	return account, err
}
