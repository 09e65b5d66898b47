package admin

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
)

type deleteAccountInput struct {
	DID syntax.DID `json:"did"`
}

// deleteAccount removes an account for good.
func (h *Handler) deleteAccount(ctx context.Context, c *xrpc.Call[deleteAccountInput]) (*struct{}, error) {
	if _, err := h.Store.Account(ctx, c.Input.DID); err != nil {
		return nil, hosting.SubjectError(err)
	}
	return nil, h.Accounts.Delete(ctx, c.Input.DID)
}
