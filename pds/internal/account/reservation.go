package account

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/storage"
)

// The kinds of tokens that hold a handle and an address for a sign-up under way. The one of the handle knows the
// identity that was prepared.
const (
	kindHandle = "signup-handle"
	kindEmail  = "signup-email"
)

// reservedFor is how long an attempt that broke off can be resumed, and keeps others from the handle and the address.
const reservedFor = 15 * time.Minute

// reservation is what a sign-up under way has decided.
type reservation struct {
	DID          syntax.DID      `json:"did"`
	Op           json.RawMessage `json:"op"`
	Email        string          `json:"email"`
	PasswordHash string          `json:"passwordHash"`
}

// reserve makes a reservation, or finds the one that an earlier attempt of the same person has left.
func (s *Server) reserve(ctx context.Context, req signupRequest) (reservation, error) {
	r, err := s.resume(ctx, req)
	if errors.Is(err, storage.ErrNotFound) {
		r, err = s.reserveHandle(ctx, req)
	}
	if err != nil {
		return reservation{}, err
	}
	return r, s.reserveEmail(ctx, req, r)
}

func (s *Server) reserveHandle(ctx context.Context, req signupRequest) (reservation, error) {
	r, err := s.decide(ctx, req)
	if err != nil {
		return reservation{}, err
	}
	value, err := json.Marshal(r)
	if err != nil {
		return reservation{}, err
	}
	err = s.Tokens.PutToken(ctx, s.token(kindHandle, req.handle.String(), value))
	if errors.Is(err, storage.ErrExists) {
		s.discard(ctx, r.DID.String())
		err = hosting.HandleTaken(req.handle)
	}
	return r, err // after another error the key stays: the reservation may be there, and the next attempt needs it
}

// reserveEmail comes second, since only a handle's reservation can be resumed: an attempt that breaks off between the
// two leaves no address that nobody gets.
func (s *Server) reserveEmail(ctx context.Context, req signupRequest, r reservation) error {
	if req.email == "" {
		return nil
	}
	err := s.holdEmail(ctx, req.email, r.DID)
	if isTaken(err) {
		s.drop(ctx, kindHandle, req.handle.String())
		s.discardUnused(ctx, r.DID)
	}
	return err
}

func (s *Server) token(kind, id string, value []byte) storage.Token {
	now := s.Now()
	return storage.Token{Kind: kind, ID: id, Value: value, IssuedAt: now, ExpiresAt: now.Add(reservedFor)}
}

// resume finds an earlier attempt. Error: storage.ErrNotFound if there is none.
func (s *Server) resume(ctx context.Context, req signupRequest) (reservation, error) {
	t, err := s.Tokens.Token(ctx, kindHandle, req.handle.String())
	if err != nil {
		return reservation{}, err
	}
	if !t.ExpiresAt.After(s.Now()) {
		return reservation{}, storage.ErrNotFound
	}
	var r reservation
	if err := json.Unmarshal(t.Value, &r); err != nil {
		return reservation{}, err
	}
	same := r.PasswordHash == req.passwordHash
	if !req.byHost {
		if same, _, err = password.Verify(ctx, r.PasswordHash, req.password); err != nil {
			return reservation{}, err
		}
	}
	if !same || r.Email != req.email || r.DID == "" { // without a DID, it is a change of handle that claims it
		return reservation{}, hosting.HandleTaken(req.handle)
	}
	return r, nil
}

// abandon gives up a reservation that can't come to anything any more.
func (s *Server) abandon(ctx context.Context, req signupRequest, r reservation) {
	s.release(ctx, req)
	s.discardUnused(ctx, r.DID)
}

// discardUnused removes the key of a reservation, unless there is an account after all: a simultaneous attempt of the same
// person has made it, and given the reservations up.
func (s *Server) discardUnused(ctx context.Context, did syntax.DID) {
	if _, err := s.Accounts.Account(ctx, did); errors.Is(err, storage.ErrNotFound) {
		s.discard(ctx, did.String())
	}
}

// release gives up what is reserved. Error: storage.ErrNotFound if the handle wasn't.
func (s *Server) release(ctx context.Context, req signupRequest) error {
	if req.email != "" {
		s.drop(ctx, kindEmail, req.email)
	}
	return s.drop(ctx, kindHandle, req.handle.String())
}

// drop removes a reservation, or a code. That it may fail is no harm to most: it expires. Error: storage.ErrNotFound.
func (s *Server) drop(ctx context.Context, kind, id string) error {
	_, err := s.Tokens.TakeToken(context.WithoutCancel(ctx), kind, id)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		s.Logger.WarnContext(ctx, "account: a token stays until it expires", "kind", kind, "err", err)
	}
	return err
}

// discard removes a key that no account uses.
func (s *Server) discard(ctx context.Context, name string) {
	if err := s.Keys.Delete(context.WithoutCancel(ctx), name); err != nil {
		s.Logger.WarnContext(ctx, "account: a key without an account stays", "name", name, "err", err)
	}
}
