package account

import (
	"context"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// refreshSession exchanges the refresh token that the caller has shown for new tokens.
func (s *Server) refreshSession(ctx context.Context, c *xrpc.Call[struct{}]) (*newSession, error) {
	account, err := s.account(ctx, c.Caller.DID)
	if err != nil {
		return nil, err
	}
	if account.TakedownRef != "" {
		return nil, auth.ErrAccountTakedown
	}
	tokens, err := s.Sessions.RefreshFor(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	return s.session(ctx, account, tokens), nil
}
