package account

import (
	"context"

	"github.com/pdskit/pdskit/pds/xrpc"
)

// deleteSession ends the session of the refresh token that the caller has shown, expired or not.
func (h *Handler) deleteSession(ctx context.Context, c *xrpc.Call[struct{}]) (*struct{}, error) {
	return nil, h.Sessions.RevokeFor(ctx, c.Caller)
}
