package account

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// moveIn makes an account for somebody who brings a DID along, and has proved by a service token that it is theirs. It is
// deactivated: nobody hears of it until its owner has brought the repo, and had the DID's document name this server.
//
// The account's key comes into being first. An attempt that breaks off leaves it, and the next goes on with it.
func (s *Server) moveIn(ctx context.Context, did syntax.DID, req signupRequest) (storage.Account, error) {
	if _, err := s.Accounts.Account(ctx, did); !errors.Is(err, storage.ErrNotFound) {
		if err == nil {
			err = xrpc.InvalidRequest("Account already exists: %s", did)
		}
		return storage.Account{}, err
	}
	release, err := s.ClaimHandle(ctx, req.handle, did)
	if err != nil {
		return storage.Account{}, err
	}
	defer release()
	releaseEmail, err := s.claimEmail(ctx, req.email, did)
	if err != nil {
		return storage.Account{}, err
	}
	defer releaseEmail()
	hash, err := password.Hash(ctx, req.password)
	if err != nil {
		return storage.Account{}, err
	}
	if _, err := s.Keys.Generate(ctx, did.String(), keys.K256); err != nil && !errors.Is(err, storage.ErrExists) {
		return storage.Account{}, err
	}
	now := s.Now()
	account := storage.Account{
		DID: did, Handle: req.handle, Email: req.email, PasswordHash: hash, CreatedAt: now, DeactivatedAt: now,
	}
	commit, err := s.Engine.Genesis(ctx, did)
	if err != nil {
		return storage.Account{}, err
	}
	commit.Events = nil // the old server's repo is the account's until it is activated here
	account.ID, err = s.Accounts.CreateAccount(ctx, storage.NewAccount{Account: account, Commit: commit})
	switch {
	case errors.Is(err, storage.ErrEmailTaken):
		return storage.Account{}, hosting.EmailTaken(req.email)
	case errors.Is(err, storage.ErrHandleTaken):
		return storage.Account{}, hosting.HandleTaken(req.handle)
	case errors.Is(err, storage.ErrExists): // by a simultaneous attempt
		return storage.Account{}, xrpc.InvalidRequest("Account already exists: %s", did)
	}
	return account, err
}

// broughtHandle checks the handle that somebody brings along: one of the server's own domains by their rules, any other by
// its resolving to the DID.
func (s *Server) broughtHandle(ctx context.Context, did syntax.DID, raw string) (syntax.Handle, error) {
	handle, err := s.Handles.Validate(raw)
	if err != nil {
		return "", hosting.HandleError(err)
	}
	if _, own := s.Handles.Label(handle); own {
		return handle, nil
	}
	if resolved, err := s.ResolveHandle(ctx, handle); err != nil || resolved != did {
		return "", xrpc.InvalidRequest("External handle did not resolve to DID")
	}
	return handle, nil
}
