package account

import (
	"context"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type deactivateAccountInput struct {
	DeleteAfter syntax.Datetime `json:"deleteAfter,omitempty"`
}

// deletionGrace is how long a deactivated account is kept at least: whoever has stolen a token can't destroy it at once.
const deletionGrace = 72 * time.Hour

// deactivateAccount takes an account off the network until it is activated again, or deleted after a time.
func (h *Handler) deactivateAccount(ctx context.Context, c *xrpc.Call[deactivateAccountInput]) (*struct{}, error) {
	now := h.Now()
	var deleteAfter time.Time
	if c.Input.DeleteAfter != "" {
		deleteAfter = c.Input.DeleteAfter.Time()
		if earliest := now.Add(deletionGrace); deleteAfter.Before(earliest) {
			deleteAfter = earliest
		}
	}
	return nil, h.Accounts.SetStatus(ctx, c.Caller.DID, false, func(a *storage.Account) {
		if a.DeactivatedAt.IsZero() {
			a.DeactivatedAt = now
		}
		a.DeleteAfter = deleteAfter
	})
}
