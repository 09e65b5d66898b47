package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// SessionsConfig says how to make [Sessions].
type SessionsConfig struct {
	// Required.

	Store    storage.Tokens
	Secret   []byte     // signs the tokens, with HMAC-SHA256; at least 16 bytes
	Audience syntax.DID // the server's own DID

	// Optional.

	AccessLifetime  time.Duration    // of an access token. If zero, 2 hours.
	RefreshLifetime time.Duration    // of a refresh token, from its last refresh. If zero, 90 days.
	Grace           time.Duration    // in which a used refresh token still works. If zero, 2 hours.
	Now             func() time.Time // If nil, time.Now.
}

// Sessions makes, checks, refreshes and ends sessions. It is safe for concurrent use, also by several processes that
// share a store and a secret.
type Sessions struct {
	store    storage.Tokens
	secret   []byte
	audience string
	access   time.Duration
	refresh  time.Duration
	grace    time.Duration
	now      func() time.Time
}

var _ Authenticator = (*Sessions)(nil)

// NewSessions returns the sessions of a server. It fails if something required is missing.
func NewSessions(c SessionsConfig) (*Sessions, error) {
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("auth: sessions need a store"))
	}
	if len(c.Secret) < minSecret {
		errs = append(errs, fmt.Errorf("auth: the sessions' secret has %d bytes, needs %d", len(c.Secret), minSecret))
	}
	if _, err := syntax.ParseDID(c.Audience.String()); err != nil {
		errs = append(errs, fmt.Errorf("auth: the sessions' audience: %w", err))
	}
	if c.AccessLifetime < 0 || c.RefreshLifetime < 0 || c.Grace < 0 {
		errs = append(errs, errors.New("auth: a lifetime of sessions is negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s := &Sessions{
		store:    c.Store,
		secret:   append([]byte(nil), c.Secret...),
		audience: c.Audience.String(),
		access:   orDefault(c.AccessLifetime, 2*time.Hour),
		refresh:  orDefault(c.RefreshLifetime, 90*24*time.Hour),
		grace:    orDefault(c.Grace, 2*time.Hour),
		now:      c.Now,
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

const minSecret = 16

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Tokens is what a client holds of a session. It prints as a placeholder, lest it ends up in a log.
type Tokens struct {
	Access  string
	Refresh string
}

// Create begins a session of an account. The scope is one of the access scopes; appPassword is the name of the app
// password that was used, "" for the account's own.
//
// A session of [ScopeTakendown] isn't stored: its refresh token is good for nothing, and the session ends with its access
// token.
func (s *Sessions) Create(ctx context.Context, did syntax.DID, scope, appPassword string) (Tokens, error) {
	if kindOf(scope) == KindAnonymous {
		return Tokens{}, fmt.Errorf("auth: no session can have the scope %q", scope)
	}
	now := s.now()
	jti := newTokenID()
	v := session{
		Current:     jti,
		Issued:      now.Unix(),
		Created:     now.Unix(),
		Scope:       scope,
		AppPassword: appPassword,
	}
	if scope != ScopeTakendown {
		id, _ := sessionID(jti)
		if err := s.store.PutToken(ctx, v.token(id, did, s.refresh)); err != nil {
			return Tokens{}, fmt.Errorf("auth: create session: %w", err)
		}
	}
	return s.sign(did, v)
}

// Authenticate implements [Authenticator] for session tokens, access and refresh, of the Authorization header's scheme
// Bearer.
func (s *Sessions) Authenticate(_ *http.Request, c Credentials) (Caller, error) {
	token, err := c.Of("Bearer")
	if err != nil || token == "" {
		return Caller{}, err
	}
	parsed, err := s.parse(token)
	return parsed.caller(), err
}

// Verify checks an access token and returns its bearer. It reads no storage: the account may be gone, and the session
// ended. Errors: [ErrInvalidToken], [ErrExpiredToken].
func (s *Sessions) Verify(access string) (Caller, error) {
	c, err := s.parseAs(typeAccess, access)
	if err != nil {
		return Caller{}, err
	}
	return c.caller(), nil
}

// sign makes the tokens of a session's present state. The refresh token is the same whenever it is made, the access
// token begins now.
func (s *Sessions) sign(did syntax.DID, v session) (Tokens, error) {
	now := s.now()
	access, err := s.signClaims(claims{
		typ: typeAccess, scope: v.Scope, did: did,
		issued: now.Unix(), expires: now.Add(s.access).Unix(),
	})
	if err != nil {
		return Tokens{}, err
	}
	refresh, err := s.signClaims(claims{
		typ: typeRefresh, scope: scopeRefresh, did: did, jti: v.Current,
		issued: v.Issued, expires: v.expires(s.refresh).Unix(),
	})
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{Access: access, Refresh: refresh}, nil
}
