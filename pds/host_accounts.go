package pds

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/session"
)

// NewAccount is an account to be made for a user of the host.
type NewAccount struct {
	// Required.

	// Handle is under one of Config.HandleDomains.
	Handle syntax.Handle

	// The rest is optional.

	// Email is the user's address. If zero, the account has none.
	Email string

	// PasswordHash is a hash that password.Verify knows: one that the host has already, or one of
	// password.Hash. With any other, such as bcrypt's, no account is made. If zero, no password
	// opens the account; the host signs its owner in by [Server.SignIn], or by an
	// auth.Authenticator.
	PasswordHash string
}

// CreateAccount makes an account for a user of the host, with an identity and a repo of its own. It asks no hook and needs
// no invite. A call that fails for want of the PLC directory or of storage can be made again, with the same account: it
// goes on where the first one stopped. Of calls for the same account at the same moment one gets it.
//
// Errors of the caller's making are an *xrpc.Error: InvalidHandle, UnsupportedDomain, HandleNotAvailable, InvalidRequest.
// A host that was stopped before it had noted the DID of a new account gets HandleNotAvailable, too, and finds the account by
// storage.Accounts.AccountByHandle. That it is the same user's is certain if nobody else can get such a handle: see
// BeforeAccount and HandleAllowed of [Hooks].
func (s *Server) CreateAccount(ctx context.Context, a NewAccount) (syntax.DID, error) {
	return s.accounts.Create(ctx, a.Handle, a.Email, a.PasswordHash)
}

// SignIn begins a session for an account whose owner the host has made sure of, and returns the tokens that a client of the
// protocol works with. Errors: auth.ErrAccountNotFound; auth.ErrAccountTakedown.
func (s *Server) SignIn(ctx context.Context, did syntax.DID) (session.Tokens, error) {
	return s.accounts.SignIn(ctx, did)
}

// DeleteAccount removes an account with all that belongs to it, for good, and tells the network. To delete what isn't there
// is no error: a call that fails can be made again.
func (s *Server) DeleteAccount(ctx context.Context, did syntax.DID) error {
	return s.hosted.Delete(ctx, did)
}
