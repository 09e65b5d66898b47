package session

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage"
)

// Info is what is known of a session that can still be refreshed.
type Info struct {
	ID          string
	DID         syntax.DID
	Scope       string
	AppPassword string // the name of the app password that began it, or ""
	CreatedAt   time.Time
	RefreshedAt time.Time // when its newest refresh token was issued
	ExpiresAt   time.Time // unless it is refreshed before
}

// List yields an account's sessions, ordered by their IDs.
func (s *Issuer) List(ctx context.Context, did syntax.DID) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if did == "" { // nobody, who would be everybody to a range
			return
		}
		for row, err := range s.store.ListDocuments(ctx, storage.DocumentRange{Kind: kindSession, Owner: did}) {
			if err != nil {
				yield(Info{}, fmt.Errorf("session: list: %w", err))
				return
			}
			if !s.now().Before(row.ExpiresAt) {
				continue
			}
			v, err := parseSession(row)
			if err != nil {
				yield(Info{}, err)
				return
			}
			if !yield(Info{
				ID: row.ID, DID: row.Owner, Scope: v.Scope, AppPassword: v.AppPassword,
				CreatedAt: time.Unix(v.Created, 0).UTC(), RefreshedAt: row.IssuedAt, ExpiresAt: row.ExpiresAt,
			}, nil) {
				return
			}
		}
	}
}

// Revoke ends the session of a refresh token, which may have expired or been used. It is
// idempotent. Access tokens of the session stay good until they expire, as with all revocations.
// Errors: [auth.ErrInvalidToken], [ErrMissingTokenID].
func (s *Issuer) Revoke(ctx context.Context, refresh string) error {
	c, err := s.parseAs(typeRefresh, refresh)
	if err != nil && !errors.Is(err, auth.ErrExpiredToken) {
		return err
	}
	return s.RevokeFor(ctx, c.caller())
}

// RevokeFor is [Issuer.Revoke] for a caller of [auth.KindRefresh], whose token has been checked by
// [Issuer.Authenticate].
func (s *Issuer) RevokeFor(ctx context.Context, c auth.Caller) error {
	id, err := sessionOf(c)
	if err != nil {
		return err
	}
	return s.take(ctx, id)
}

// RevokeSession ends a session of an account by the ID that [Issuer.List] shows. It is idempotent,
// and does nothing to the session of another account.
func (s *Issuer) RevokeSession(ctx context.Context, did syntax.DID, id string) error {
	return s.revokeIf(ctx, did, func(v Info) bool { return v.ID == id })
}

// RevokeAppPassword ends the sessions of an account that were begun with the app password of a name.
func (s *Issuer) RevokeAppPassword(ctx context.Context, did syntax.DID, name string) error {
	return s.revokeIf(ctx, did, func(v Info) bool { return name != "" && v.AppPassword == name })
}

// RevokeAll ends all sessions of an account.
func (s *Issuer) RevokeAll(ctx context.Context, did syntax.DID) error {
	if did == "" { // nobody, who would be everybody to some stores
		return nil
	}
	if err := s.store.DeleteDocuments(ctx, did, kindSession); err != nil {
		return fmt.Errorf("session: revoke all: %w", err)
	}
	return nil
}

func (s *Issuer) revokeIf(ctx context.Context, did syntax.DID, condemned func(Info) bool) error {
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
func (s *Issuer) take(ctx context.Context, id string) error {
	if _, err := s.store.TakeDocument(ctx, kindSession, id); err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("session: revoke: %w", err)
	}
	return nil
}
