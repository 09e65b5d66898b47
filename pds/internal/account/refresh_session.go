package account

import (
	"context"

	"github.com/pdskit/pdskit/pds/xrpc"
)

// refreshSession exchanges the refresh token that the caller has shown for new tokens.
func (h *Handler) refreshSession(ctx context.Context, c *xrpc.Call[struct{}]) (*newSession, error) {
	account, err := h.account(ctx, c.Caller.DID)
	if err != nil {
		return nil, err
	}
	tokens, err := h.Sessions.RefreshFor(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	return h.session(ctx, account, tokens), nil
}
