package account

import (
	"context"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// deleteSession ends the session of the refresh token that the caller has shown, expired or not.
func (s *Server) deleteSession(ctx context.Context, c *xrpc.Call[struct{}]) (*struct{}, error) {
	token, err := auth.BearerToken(c.Request)
	if err != nil {
		return nil, err
	}
	return nil, s.Sessions.Revoke(ctx, token)
}
