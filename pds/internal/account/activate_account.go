package account

import (
	"context"
	"time"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// activateAccount makes a deactivated account active, once its identity says that this server hosts it. One that is taken
// down can't be.
func (s *Server) activateAccount(ctx context.Context, c *xrpc.Call[struct{}]) (*struct{}, error) {
	if _, err := s.untouched(ctx, c.Caller.DID); err != nil {
		return nil, err
	}
	if err := s.hostedHere(ctx, c.Caller.DID); err != nil {
		return nil, err
	}
	return nil, s.SetStatus(ctx, c.Caller.DID, false, func(a *storage.Account) {
		a.DeactivatedAt, a.DeleteAfter = time.Time{}, time.Time{}
	})
}
