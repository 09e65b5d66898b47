package account

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// requestEmailConfirmation sends a code to the caller's address, by which they prove to read what is sent there.
func (h *Handler) requestEmailConfirmation(ctx context.Context, c *xrpc.Call[struct{}]) (*struct{}, error) {
	account, err := h.addressee(ctx, c.Caller.DID)
	if err != nil {
		return nil, err
	}
	return nil, h.sendCode(ctx, account, ConfirmEmail)
}

// addressee returns the row of an account that has an e-mail address. Error: InvalidRequest for
// others.
func (h *Handler) addressee(ctx context.Context, did syntax.DID) (storage.Account, error) {
	account, err := h.account(ctx, did)
	if err == nil && account.Email == "" {
		err = xrpc.InvalidRequest("account does not have an email address")
	}
	return account, err
}
