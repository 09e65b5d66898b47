package admin

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
)

type deleteAccountInput struct {
	DID syntax.DID `json:"did"`
}

// deleteAccount removes an account for good.
func (s *Server) deleteAccount(ctx context.Context, c *xrpc.Call[deleteAccountInput]) (*struct{}, error) {
	if _, err := s.Accounts.Account(ctx, c.Input.DID); err != nil {
		return nil, hosting.SubjectError(err)
	}
	return nil, s.DeleteAccount(ctx, c.Input.DID)
}
