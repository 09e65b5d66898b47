package account

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/storage"
)

// ClaimHandle keeps everybody else from a handle that an account is about to have, until release is called or
// a quarter of an hour has passed. Error: an *xrpc.Error if someone else has it, or is about to.
func (s *Server) ClaimHandle(ctx context.Context, handle syntax.Handle, did syntax.DID) (release func(), err error) {
	now := s.Now()
	err = s.Tokens.PutToken(ctx, storage.Token{
		Kind: kindHandle, ID: handle.String(), DID: did, Value: []byte("{}"), IssuedAt: now, ExpiresAt: now.Add(reservedFor),
	})
	if errors.Is(err, storage.ErrExists) {
		var t storage.Token
		t, err = s.Tokens.Token(ctx, kindHandle, handle.String())
		if err == nil && t.DID != did || errors.Is(err, storage.ErrNotFound) { // or given up, or taken, in this moment
			err = hosting.HandleTaken(handle)
		}
	}
	if err != nil {
		return nil, err
	}
	release = func() { s.drop(ctx, kindHandle, handle.String()) }
	account, err := s.Accounts.AccountByHandle(ctx, handle)
	if err := free(account, err, did, hosting.HandleTaken(handle)); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// claimEmail is ClaimHandle for an address.
func (s *Server) claimEmail(ctx context.Context, email string, did syntax.DID) (release func(), err error) {
	if err := s.holdEmail(ctx, email, did); err != nil {
		return nil, err
	}
	release = func() { s.drop(ctx, kindEmail, email) }
	account, err := s.Accounts.AccountByEmail(ctx, email)
	if err := free(account, err, did, hosting.EmailTaken(email)); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// free returns taken if what was looked up is the account of another.
func free(found storage.Account, err error, did syntax.DID, taken error) error {
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil
	case err == nil && found.DID != did:
		return taken
	}
	return err
}

// holdEmail reserves an address for a DID, which may hold it already. Error: an *xrpc.Error if another holds it.
func (s *Server) holdEmail(ctx context.Context, email string, did syntax.DID) error {
	err := s.Tokens.PutToken(ctx, s.token(kindEmail, email, []byte(did)))
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	held, err := s.Tokens.Token(ctx, kindEmail, email)
	if err == nil && string(held.Value) != did.String() || errors.Is(err, storage.ErrNotFound) { // or given up in this moment
		err = hosting.EmailTaken(email)
	}
	return err
}
