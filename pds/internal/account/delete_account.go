package account

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type deleteAccountInput struct {
	DID      syntax.DID `json:"did"`
	Password string     `json:"password"`
	Token    string     `json:"token"`
}

// deleteAccount removes an account for good, upon its own password and the code of a letter. The code goes with the
// account, by the same write; if that fails, it is still good for another try.
func (h *Handler) deleteAccount(ctx context.Context, c *xrpc.Call[deleteAccountInput]) (*struct{}, error) {
	in := &c.Input
	if utf8.RuneCountInString(in.Password) > password.Max {
		return nil, auth.ErrAuthRequired.With("Password too long. Consider resetting your password.")
	}
	account, err := h.Store.Account(ctx, in.DID)
	if errors.Is(err, storage.ErrNotFound) { // which is no secret: a DID's document says who hosts it
		return nil, xrpc.InvalidRequest("account not found")
	}
	if err != nil {
		return nil, err
	}
	ok, _, err := password.Verify(ctx, account.PasswordHash, in.Password)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, auth.ErrAuthRequired.With("Invalid did or password")
	}
	if _, err := h.codeOf(ctx, account, DeleteAccount, in.Token); err != nil {
		return nil, err
	}
	return nil, h.Accounts.Delete(ctx, account.DID)
}
