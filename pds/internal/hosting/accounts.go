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

// In returns an account that is in a standing, for what no policy has asked about. Errors: auth.ErrAccountNotFound; those
// of auth.Standing.Check.
func (a *Accounts) In(ctx context.Context, did syntax.DID, s auth.Standing) (auth.Account, error) {
	account, err := a.CallerAccount(ctx, did)
	if err == nil {
		err = s.Check(auth.Caller{}, account)
	}
	return account, err
}

// Healthy says whether the store answers.
func (a *Accounts) Healthy(ctx context.Context) error {
	_, err := a.Store.LastSeq(ctx)
	return err
}
