package hosting

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// find returns the account behind a handle or DID. Error: storage.ErrNotFound.
func (a *Accounts) find(ctx context.Context, id syntax.AtIdentifier) (storage.Account, error) {
	if id.IsDID() {
		return a.Store.Account(ctx, id.DID())
	}
	return a.Store.AccountByHandle(ctx, id.Handle().Normalize())
}

// Reader is the policy of methods that read repos and blobs. It admits everybody, and the method
// asks [Accounts.Readable]. A caller whose own account is gone may still read others.
var Reader = auth.Session.OrTakendown().Or(auth.Admin).OrApp().Optional().Unasked()

// Readable returns the account behind a handle or DID if the caller may read its repo. Anybody may
// read the repo of an active account; only the operator and the owner may read that of another.
// Errors, as an *xrpc.Error: RepoNotFound, RepoDeactivated, RepoSuspended, RepoTakendown.
func (a *Accounts) Readable(ctx context.Context, id syntax.AtIdentifier, caller auth.Caller) (storage.Account, error) {
	account, err := a.find(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return account, RepoNotFound(id)
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

// Own checks that a handle or DID names the caller's account, which a policy has admitted. Nothing
// names the zero Account. Error: auth.ErrAuthRequired.
func Own(id syntax.AtIdentifier, account auth.Account) error {
	switch {
	case id.IsDID() && id.DID() == account.DID:
		return nil
	case id.IsHandle() && account.Handle != "" && id.Handle().Normalize() == account.Handle:
		return nil
	}
	return auth.ErrAuthRequired
}
