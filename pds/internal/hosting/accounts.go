package hosting

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// Accounts are the accounts of this server. All fields but HandleAllowed are required.
type Accounts struct {
	Store     Store
	Engine    *repo.Engine
	Keys      Keys
	Directory Directory
	Handles   identity.HandleRules

	// HandleAllowed refuses a handle that a request wants for an account by returning an error. If
	// nil, every handle that keeps the other rules is allowed.
	HandleAllowed func(ctx context.Context, h syntax.Handle) error

	Now    func() time.Time
	Logger *slog.Logger
}

// Store is what accounts need of a storage.Store.
type Store interface {
	storage.Accounts
	storage.RepoReader
	storage.Events
	storage.Documents
}

// Keys forgets the keys of deleted accounts. See keys.Keyring.
type Keys interface {
	Delete(ctx context.Context, name string) error
}

var _ auth.Accounts = (*Accounts)(nil)

// CallerAccount implements auth.Accounts.
func (a *Accounts) CallerAccount(ctx context.Context, did syntax.DID) (auth.Account, error) {
	account, err := a.Store.Account(ctx, did)
	if errors.Is(err, storage.ErrNotFound) {
		err = auth.ErrAccountNotFound
	}
	if err != nil {
		return auth.Account{}, err
	}
	return auth.Account{DID: account.DID, Handle: account.Handle, Status: account.Status(), Epoch: account.Epoch}, nil
}

// NotTakenDown returns an account, as [auth.NotTakenDown] demands it. Errors: auth.ErrAccountNotFound,
// auth.ErrAccountTakedown.
func (a *Accounts) NotTakenDown(ctx context.Context, did syntax.DID) (auth.Account, error) {
	account, err := a.CallerAccount(ctx, did)
	if err == nil && account.Status != storage.StatusActive && account.Status != storage.StatusDeactivated {
		err = auth.ErrAccountTakedown
	}
	return account, err
}

// Active returns an account, as [auth.Active] demands it. Errors: those of NotTakenDown;
// auth.ErrAccountDeactivated.
func (a *Accounts) Active(ctx context.Context, did syntax.DID) (auth.Account, error) {
	account, err := a.NotTakenDown(ctx, did)
	if err == nil && account.Status == storage.StatusDeactivated {
		err = auth.ErrAccountDeactivated
	}
	return account, err
}

// Healthy says whether the store answers.
func (a *Accounts) Healthy(ctx context.Context) error {
	_, err := a.Store.LastSeq(ctx)
	return err
}
