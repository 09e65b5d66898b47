package account

import (
	"context"

	"github.com/pdskit/pdskit/pds/xrpc"
)

// requestAccountDelete sends the caller a code by which they may delete their account.
func (h *Handler) requestAccountDelete(ctx context.Context, c *xrpc.Call[struct{}]) (*struct{}, error) {
	account, err := h.addressee(ctx, c.Caller.DID)
	if err != nil {
		return nil, err
	}
	return nil, h.sendCode(ctx, account, DeleteAccount)
}
