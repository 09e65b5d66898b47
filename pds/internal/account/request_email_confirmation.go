package account

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// requestEmailConfirmation sends a code to the caller's address, by which they prove to read what is sent there.
func (s *Server) requestEmailConfirmation(ctx context.Context, c *xrpc.Call[struct{}]) (*struct{}, error) {
	account, err := s.addressee(ctx, c.Caller.DID)
	if err != nil {
		return nil, err
	}
	return nil, s.sendCode(ctx, account, ConfirmEmail)
}

// untouched finds the account of a caller, unless it is taken down. Errors: auth.ErrAccountNotFound,
// auth.ErrAccountTakedown.
func (s *Server) untouched(ctx context.Context, did syntax.DID) (storage.Account, error) {
	account, err := s.account(ctx, did)
	if err == nil && account.TakedownRef != "" {
		err = auth.ErrAccountTakedown
	}
	return account, err
}

// addressee is untouched for accounts with an address. Error: InvalidRequest for others.
func (s *Server) addressee(ctx context.Context, did syntax.DID) (storage.Account, error) {
	account, err := s.untouched(ctx, did)
	if err == nil && account.Email == "" {
		err = xrpc.InvalidRequest("account does not have an email address")
	}
	return account, err
}
