package auth

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// SessionInfo is what is known of a session that can still be refreshed.
type SessionInfo struct {
	ID          string
	DID         syntax.DID
	Scope       string
	AppPassword string // the name of the app password that began it, or ""
	CreatedAt   time.Time
	RefreshedAt time.Time // when its newest refresh token was issued
	ExpiresAt   time.Time // unless it is refreshed before
}

// List yields an account's sessions, ordered by their IDs.
func (s *Sessions) List(ctx context.Context, did syntax.DID) iter.Seq2[SessionInfo, error] {
	return func(yield func(SessionInfo, error) bool) {
		for row, err := range s.store.ListTokens(ctx, kindSession, did) {
			if err != nil {
				yield(SessionInfo{}, fmt.Errorf("auth: list sessions: %w", err))
				return
			}
			if !s.now().Before(row.ExpiresAt) {
				continue
			}
			v, err := parseSession(row)
			if err != nil {
				yield(SessionInfo{}, err)
				return
			}
			if !yield(SessionInfo{
				ID: row.ID, DID: row.DID, Scope: v.Scope, AppPassword: v.AppPassword,
				CreatedAt: time.Unix(v.Created, 0).UTC(), RefreshedAt: row.IssuedAt, ExpiresAt: row.ExpiresAt,
			}, nil) {
				return
			}
		}
	}
}

// Revoke ends the session of a refresh token, which may have expired or been used. It is idempotent. Access tokens of
// the session stay good until they expire, as with all revocations. Errors: [ErrInvalidToken], [ErrMissingTokenID].
func (s *Sessions) Revoke(ctx context.Context, refresh string) error {
	c, err := s.parseAs(typeRefresh, refresh)
	if err != nil && !errors.Is(err, ErrExpiredToken) {
		return err
	}
	return s.RevokeFor(ctx, c.caller())
}

// RevokeFor is [Sessions.Revoke] for a caller of [KindRefresh], whose token has been checked by
// [Sessions.Authenticate].
func (s *Sessions) RevokeFor(ctx context.Context, c Caller) error {
	id, err := sessionOf(c)
	if err != nil {
		return err
	}
	return s.take(ctx, id)
}

// RevokeSession ends a session of an account by the ID that [Sessions.List] shows. It is idempotent, and does nothing
// to the session of another account.
func (s *Sessions) RevokeSession(ctx context.Context, did syntax.DID, id string) error {
	return s.revokeIf(ctx, did, func(v SessionInfo) bool { return v.ID == id })
}

// RevokeAppPassword ends the sessions of an account that were begun with the app password of a name.
func (s *Sessions) RevokeAppPassword(ctx context.Context, did syntax.DID, name string) error {
	return s.revokeIf(ctx, did, func(v SessionInfo) bool { return name != "" && v.AppPassword == name })
}

// RevokeAll ends all sessions of an account.
func (s *Sessions) RevokeAll(ctx context.Context, did syntax.DID) error {
	if err := s.store.DeleteTokens(ctx, did, kindSession); err != nil {
		return fmt.Errorf("auth: revoke sessions: %w", err)
	}
	return nil
}

func (s *Sessions) revokeIf(ctx context.Context, did syntax.DID, condemned func(SessionInfo) bool) error {
	for v, err := range s.List(ctx, did) {
		if err != nil {
			return err
		}
		if !condemned(v) {
			continue
		}
		if err := s.take(ctx, v.ID); err != nil {
			return err
		}
	}
	return nil
}

// take removes a session's row, if there is one.
func (s *Sessions) take(ctx context.Context, id string) error {
	if _, err := s.store.TakeToken(ctx, kindSession, id); err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("auth: revoke session: %w", err)
	}
	return nil
}
