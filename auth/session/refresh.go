package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage"
)

// Refresh exchanges a refresh token for new tokens, and returns whose they are.
//
// A token may be used again within the grace period, since the answer to its first use may have been lost: it then
// yields the session's newest refresh token, which is the one that the first use gave unless that has been used, too.
// Simultaneous uses are no different. Use after the grace period ends the whole session: either the token was stolen, or
// its successor.
//
// Errors: [auth.ErrInvalidToken], [ErrMissingTokenID], [auth.ErrExpiredToken], and
// [ErrRevokedToken] if the session has ended, now or earlier.
func (s *Issuer) Refresh(ctx context.Context, refresh string) (Tokens, syntax.DID, error) {
	c, err := s.parseAs(typeRefresh, refresh)
	if err != nil {
		return Tokens{}, "", err
	}
	tokens, err := s.RefreshFor(ctx, c.caller())
	if err != nil {
		return Tokens{}, "", err
	}
	return tokens, c.did, nil
}

// RefreshFor is [Issuer.Refresh] for a caller of [auth.KindRefresh], whose token has been checked
// by [Issuer.Authenticate].
func (s *Issuer) RefreshFor(ctx context.Context, c auth.Caller) (Tokens, error) {
	id, err := sessionOf(c)
	if err != nil {
		return Tokens{}, err
	}
	// A lost compare-and-swap means that another call has used up the token, so that the second round finds its successor.
	for range 3 {
		v, err := s.rotate(ctx, id, c)
		if errors.Is(err, storage.ErrConflict) {
			continue
		}
		if err != nil {
			return Tokens{}, err
		}
		return s.sign(c.DID, v)
	}
	return Tokens{}, fmt.Errorf("session: refresh: %w", storage.ErrConflict)
}

// rotate returns the state of a session after the use of a refresh token. [storage.ErrConflict] says that it has to be
// tried again.
func (s *Issuer) rotate(ctx context.Context, id string, c auth.Caller) (session, error) {
	row, err := s.store.Document(ctx, kindSession, id)
	if errors.Is(err, storage.ErrNotFound) {
		return session{}, ErrRevokedToken
	}
	if err != nil {
		return session{}, fmt.Errorf("session: refresh: %w", err)
	}
	v, err := parseSession(row)
	if err != nil {
		return session{}, err
	}
	now := s.now()
	switch {
	case row.Owner != c.DID || !now.Before(row.ExpiresAt):
		return session{}, ErrRevokedToken
	case v.graces(c.TokenID, now, s.grace):
		return v, nil
	case v.Current != c.TokenID:
		return session{}, s.reused(ctx, id)
	}
	return s.advance(ctx, row, v, now)
}

// advance exchanges a session's current refresh token for the next.
func (s *Issuer) advance(ctx context.Context, row storage.Document, v session, now time.Time) (session, error) {
	jti, err := nextTokenID(row.ID)
	if err != nil {
		return session{}, err
	}
	v = v.next(jti, now, s.grace)
	next := storage.NewDocument{Document: v.document(row.ID, row.Owner, s.refresh)}
	switch err := s.store.SwapDocument(ctx, row, next); {
	case err == nil:
		return v, nil
	case errors.Is(err, storage.ErrNotFound):
		return session{}, ErrRevokedToken
	case errors.Is(err, storage.ErrConflict):
		return session{}, storage.ErrConflict
	default:
		return session{}, fmt.Errorf("session: refresh: %w", err)
	}
}

// reused ends a session of which a used-up refresh token has turned up.
func (s *Issuer) reused(ctx context.Context, id string) error {
	if err := s.take(ctx, id); err != nil {
		return err
	}
	return ErrRevokedToken
}
