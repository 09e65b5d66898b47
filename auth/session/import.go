package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// ReferenceToken is a row of the reference server's table refresh_token, joined with the table app_password.
type ReferenceToken struct {
	ID          string // the token's jti
	DID         syntax.DID
	ExpiresAt   time.Time
	NextID      string // the jti of the token's successor, "" if it hasn't been used
	AppPassword string // the column appPasswordName, "" for null
	Privileged  bool   // the app password's
}

// Import takes over a refresh token of a reference server that had the same secret and DID, so that its bearer stays
// logged in. It is idempotent, and takes no notice of tokens that have expired.
//
// A used token is imported, too, while its grace period lasts: it yields its successor, which is a row of its own.
func (s *Issuer) Import(ctx context.Context, t ReferenceToken) error {
	id, ok := sessionID(t.ID)
	if !ok {
		return fmt.Errorf("session: import: malformed token ID of %s", t.DID)
	}
	now := s.now()
	if !now.Before(t.ExpiresAt) {
		return nil
	}
	row := t.session(s.refresh, s.grace).document(id, t.DID, s.refresh)
	row.ExpiresAt = t.ExpiresAt
	if err := s.store.PutDocument(ctx, storage.NewDocument{Document: row}); err != nil && !errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("session: import: %w", err)
	}
	return nil
}

// session returns the token's session, for lifetimes that the reference server shares. Its rows tell when a token
// expires: an unused one a lifetime after it was issued, a used one a grace period after it was used.
func (t ReferenceToken) session(lifetime, grace time.Duration) session {
	v := session{Current: t.ID, Scope: ScopeAccess, AppPassword: t.AppPassword}
	switch {
	case t.AppPassword != "" && t.Privileged:
		v.Scope = ScopeAppPassPrivileged
	case t.AppPassword != "":
		v.Scope = ScopeAppPass
	}
	issued := t.ExpiresAt.Add(-lifetime)
	if t.NextID != "" {
		issued = t.ExpiresAt.Add(-grace)
		v.Current, v.Used = t.NextID, []used{{ID: t.ID, At: issued.UnixMilli()}}
	}
	v.Issued, v.Created = issued.Unix(), issued.Unix()
	return v
}
