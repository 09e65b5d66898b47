package admin

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type deleteAccountInput struct {
	DID syntax.DID `json:"did"`
}

// deleteAccount removes an account for good.
func (s *Server) deleteAccount(ctx context.Context, c *xrpc.Call[deleteAccountInput]) (*struct{}, error) {
	_, err := s.Accounts.Account(ctx, c.Input.DID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, notFound()
	}
	if err != nil {
		return nil, err
	}
	return nil, s.DeleteAccount(ctx, c.Input.DID)
}
