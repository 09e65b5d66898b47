package account

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// getSession tells whom a token speaks for. An app learns the e-mail address only if its scope allows it.
func (h *Handler) getSession(ctx context.Context, c *xrpc.Call[struct{}]) (*sessionView, error) {
	account, err := h.account(ctx, c.Caller.DID)
	if err != nil {
		return nil, err
	}
	view := h.view(ctx, account)
	if c.Caller.May(auth.AccountPermission("email", "read")) != nil {
		view.Email, view.EmailConfirmed = "", nil
	}
	return view, nil
}

// account returns the row of an account. Error: auth.ErrAccountNotFound.
func (h *Handler) account(ctx context.Context, did syntax.DID) (storage.Account, error) {
	account, err := h.Store.Account(ctx, did)
	if errors.Is(err, storage.ErrNotFound) {
		return account, auth.ErrAccountNotFound
	}
	return account, err
}
