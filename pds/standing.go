package pds

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage"
)

// callerAccounts tells policies of the server's accounts.
type callerAccounts struct{ accounts storage.Accounts }

var _ auth.Accounts = callerAccounts{}

// CallerAccount implements auth.Accounts.
func (c callerAccounts) CallerAccount(ctx context.Context, did syntax.DID) (auth.Account, error) {
	account, err := c.accounts.Account(ctx, did)
	if errors.Is(err, storage.ErrNotFound) {
		err = auth.ErrAccountNotFound
	}
	if err != nil {
		return auth.Account{}, err
	}
	return auth.Account{DID: account.DID, Handle: account.Handle, Status: account.Status()}, nil
}
