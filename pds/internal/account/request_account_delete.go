package account

import (
	"context"

	"github.com/pdskit/pdskit/pds/xrpc"
)

// requestAccountDelete sends the caller a code by which they may delete their account.
func (s *Server) requestAccountDelete(ctx context.Context, c *xrpc.Call[struct{}]) (*struct{}, error) {
	account, err := s.addressee(ctx, c.Caller.DID)
	if err != nil {
		return nil, err
	}
	return nil, s.sendCode(ctx, account, DeleteAccount)
}
