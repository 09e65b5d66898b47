package account

import (
	"context"
	"time"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// activateAccount makes a deactivated account active, once its identity says that this server hosts it. One that is taken
// down can't be.
func (h *Handler) activateAccount(ctx context.Context, c *xrpc.Call[struct{}]) (*struct{}, error) {
	if err := h.hostedHere(ctx, c.Caller.DID); err != nil {
		return nil, err
	}
	return nil, h.Accounts.SetStatus(ctx, c.Caller.DID, false, func(a *storage.Account) {
		a.DeactivatedAt, a.DeleteAfter = time.Time{}, time.Time{}
	})
}
