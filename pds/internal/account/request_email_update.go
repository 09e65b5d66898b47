package account

import (
	"context"

	"github.com/pdskit/pdskit/pds/xrpc"
)

type requestEmailUpdateOutput struct {
	TokenRequired bool `json:"tokenRequired"`
}

// requestEmailUpdate sends a code to the caller's present address, if it is confirmed: giving it up takes the consent of
// whoever reads what is sent there. One that isn't confirmed is given up without.
func (h *Handler) requestEmailUpdate(ctx context.Context, c *xrpc.Call[struct{}]) (*requestEmailUpdateOutput, error) {
	account, err := h.addressee(ctx, c.Caller.DID)
	if err != nil {
		return nil, err
	}
	if account.EmailConfirmedAt.IsZero() {
		return &requestEmailUpdateOutput{}, nil
	}
	return &requestEmailUpdateOutput{TokenRequired: true}, h.sendCode(ctx, account, UpdateEmail)
}
