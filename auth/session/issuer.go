package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage"
)

// Config says how to make an [Issuer].
type Config struct {
	// Required.

	Store    storage.Documents
	Secret   []byte     // signs the tokens, with HMAC-SHA256; at least 16 bytes
	Audience syntax.DID // the server's own DID

	// Optional.

	AccessLifetime  time.Duration    // of an access token. If zero, 2 hours.
	RefreshLifetime time.Duration    // of a refresh token, from its last refresh. If zero, 90 days.
	Grace           time.Duration    // in which a used refresh token still works. If zero, 2 hours.
	Now             func() time.Time // If nil, time.Now.
}

// Issuer makes, checks, refreshes and ends sessions. It is safe for concurrent use, also by several
// processes that share a store and a secret.
type Issuer struct {
	store    storage.Documents
	secret   []byte
	audience string
	access   time.Duration
	refresh  time.Duration
	grace    time.Duration
	now      func() time.Time
}

var _ auth.Authenticator = (*Issuer)(nil)

// New returns the Issuer of a server. It fails if something required is missing.
func New(c Config) (*Issuer, error) {
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("session: a store is required"))
	}
	if len(c.Secret) < minSecret {
		errs = append(errs, fmt.Errorf("session: the secret has %d bytes, needs %d", len(c.Secret), minSecret))
	}
	if _, err := syntax.ParseDID(c.Audience.String()); err != nil {
		errs = append(errs, fmt.Errorf("session: audience: %w", err))
	}
	if c.AccessLifetime < 0 || c.RefreshLifetime < 0 || c.Grace < 0 {
		errs = append(errs, errors.New("session: a lifetime is negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s := &Issuer{
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
func (s *Issuer) Create(ctx context.Context, did syntax.DID, scope, appPassword string) (Tokens, error) {
	if kindOf(scope) == auth.KindAnonymous {
		return Tokens{}, fmt.Errorf("session: no session can have the scope %q", scope)
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
		if err := s.store.PutDocument(ctx, storage.NewDocument{Document: v.document(id, did, s.refresh)}); err != nil {
			return Tokens{}, fmt.Errorf("session: create: %w", err)
		}
	}
	return s.sign(did, v)
}

// Authenticate implements [auth.Authenticator] for session tokens, access and refresh, of the
// Authorization header's scheme Bearer.
func (s *Issuer) Authenticate(_ *http.Request, c auth.Credentials) (auth.Caller, error) {
	token, err := c.Of("Bearer")
	if err != nil || token == "" {
		return auth.Caller{}, err
	}
	parsed, err := s.parse(token)
	return parsed.caller(), err
}

// Verify checks an access token and returns its bearer. It reads no storage: the account may be gone, and the session
// ended. Errors: [auth.ErrInvalidToken], [auth.ErrExpiredToken].
func (s *Issuer) Verify(access string) (auth.Caller, error) {
	c, err := s.parseAs(typeAccess, access)
	if err != nil {
		return auth.Caller{}, err
	}
	return c.caller(), nil
}

// sign makes the tokens of a session's present state. The refresh token is the same whenever it is made, the access
// token begins now.
func (s *Issuer) sign(did syntax.DID, v session) (Tokens, error) {
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
