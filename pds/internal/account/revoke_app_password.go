package account

import (
	"context"

	"github.com/pdskit/pdskit/pds/xrpc"
)

type revokeAppPasswordInput struct {
	Name string `json:"name"`
}

// revokeAppPassword removes an app password, and ends the sessions that were begun with it: their access tokens, which no
// store is asked about, are good until they expire. To revoke what isn't there is no error.
func (h *Handler) revokeAppPassword(ctx context.Context, c *xrpc.Call[revokeAppPasswordInput]) (*struct{}, error) {
	if err := h.appPasswords().Delete(ctx, c.Caller.DID, c.Input.Name); err != nil {
		return nil, err
	}
	return nil, h.Sessions.RevokeAppPassword(ctx, c.Caller.DID, c.Input.Name)
}
