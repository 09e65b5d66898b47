package account

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// Create makes an account for a user of the host, who needn't have an address or a password. What a broken-off call has
// begun, the same call finishes. Errors that are of the caller's making are *xrpc.Error.
func (h *Handler) Create(ctx context.Context, handle syntax.Handle, email, passwordHash string) (syntax.DID, error) {
	req := signupRequest{byHost: true, passwordHash: passwordHash}
	var err error
	if req.handle, err = h.Accounts.CheckHandle(ctx, "", handle.String()); err != nil {
		return "", err
	}
	if email != "" {
		var ok bool
		if req.email, ok = normalizeEmail(email); !ok {
			return "", xrpc.InvalidRequest("%q is no email address", email)
		}
	}
	if err := password.CheckHash(passwordHash); err != nil {
		return "", xrpc.InvalidRequest("The password's hash has a form that isn't known")
	}
	account, err := h.signUp(ctx, req)
	return account.DID, err
}

// SignIn begins a session for an account whose owner somebody else has made sure of. Errors: auth.ErrAccountNotFound;
// auth.ErrAccountTakedown.
func (h *Handler) SignIn(ctx context.Context, did syntax.DID) (session.Tokens, error) {
	if _, err := h.Accounts.In(ctx, did, auth.NotTakenDown); err != nil {
		return session.Tokens{}, err
	}
	return h.Sessions.Create(ctx, did, session.ScopeAccess, "")
}
