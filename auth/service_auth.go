package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// ServiceAuthConfig says how to make a [ServiceAuth].
type ServiceAuthConfig struct {
	// Required.

	// Audiences are what a token may name as whom it is for: the server's DID, and "#" with its service ID behind.
	Audiences []string

	// Document resolves a DID to its document; an answer may be hours old. Refresh asks the network for what it is now.
	Document func(ctx context.Context, did syntax.DID) (json.RawMessage, error)
	Refresh  func(ctx context.Context, did syntax.DID) (*identity.Identity, error)

	// Used remembers the tokens that have been used, until they expire.
	Used storage.Tokens

	// Optional.

	// Moderators are the services that moderate the server: their tokens make a caller of [KindModerator]. If nil,
	// there are none.
	Moderators []syntax.DID

	Now func() time.Time // If nil, time.Now.
}

// ServiceAuth is an [Authenticator] that knows service tokens: the short-lived ones by which an account, or a service,
// asks another server for something. A token is good for the one method that it names, at the server that it names, and
// once.
//
// Spec: https://atproto.com/specs/xrpc#inter-service-authentication-jwt
type ServiceAuth struct {
	cfg     ServiceAuthConfig
	refresh refreshLimit
}

var _ Authenticator = (*ServiceAuth)(nil)

const (
	// maxServiceLifetime is for how long a token may still be good. It bounds what has to be remembered.
	maxServiceLifetime = time.Hour

	// clockSkew is how far the issuer's clock may be ahead of ours.
	clockSkew = time.Minute
)

// NewServiceAuth returns a ServiceAuth. It fails if something required is missing.
func NewServiceAuth(c ServiceAuthConfig) (*ServiceAuth, error) {
	if len(c.Audiences) == 0 || c.Document == nil || c.Refresh == nil || c.Used == nil {
		return nil, errors.New("auth: service auth needs audiences, a way to resolve DIDs, and a store")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &ServiceAuth{cfg: c}, nil
}

// Or returns an [Authenticator] for the scheme Bearer, which has several kinds of tokens: those that name a method are
// service tokens, all others are for sessions to judge.
func (s *ServiceAuth) Or(sessions Authenticator) Authenticator {
	return AuthenticatorFunc(func(r *http.Request, c Credentials) (Caller, error) {
		if token, err := c.Of("Bearer"); err == nil && isServiceToken(token) {
			return s.Authenticate(r, c)
		}
		return sessions.Authenticate(r, c)
	})
}

// Authenticate implements [Authenticator] for service tokens of the scheme Bearer.
func (s *ServiceAuth) Authenticate(r *http.Request, c Credentials) (Caller, error) {
	raw, err := c.Of("Bearer")
	if err != nil || raw == "" {
		return Caller{}, err
	}
	t, err := parseServiceToken(raw)
	if err != nil {
		return Caller{}, err
	}
	if err := s.check(t, method(r)); err != nil {
		return Caller{}, err
	}
	if err := s.verify(r.Context(), t); err != nil {
		return Caller{}, err
	}
	if err := s.use(r.Context(), t); err != nil {
		return Caller{}, err
	}
	kind := KindService
	if slices.Contains(s.cfg.Moderators, t.issuer) {
		kind = KindModerator
	}
	return Caller{DID: t.issuer, Kind: kind, TokenID: t.claims.ID}, nil
}

// method returns the method that a request is for.
func method(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/xrpc/") }

// check checks what a token says, whoever may have signed it.
func (s *ServiceAuth) check(t *serviceToken, method string) error {
	now, expires := s.cfg.Now(), t.claims.Expires.time()
	switch {
	case slices.Contains([]string{typeAccess, typeRefresh, "dpop+jwt"}, t.header.Type):
		return ErrServiceToken.Named("BadJwtType", fmt.Sprintf("Invalid jwt type %q", t.header.Type))
	case !expires.After(now):
		return ErrServiceToken.Named("JwtExpired", "jwt expired")
	case expires.After(now.Add(maxServiceLifetime + clockSkew)):
		return ErrServiceToken.With("jwt is good for more than an hour")
	case t.claims.Issued.time().After(now.Add(clockSkew)):
		return ErrServiceToken.With("jwt is from the future")
	case !slices.Contains(s.cfg.Audiences, t.claims.Audience):
		return ErrServiceToken.Named("BadJwtAudience", "jwt audience does not match service did")
	case t.claims.Method == "":
		return ErrServiceToken.Named("BadJwtLexiconMethod", `missing jwt lexicon method ("lxm"). must match: `+method)
	case t.claims.Method != method:
		return ErrServiceToken.Named("BadJwtLexiconMethod", `bad jwt lexicon method ("lxm"). must match: `+method)
	}
	// A key that is for labels doesn't speak for an account, save one that moderates here.
	if t.keyID != keyAtproto && !(t.keyID == keyLabel && slices.Contains(s.cfg.Moderators, t.issuer)) {
		return ErrServiceToken.Named("UntrustedIss", "Untrusted issuer")
	}
	return nil
}

// verify checks a token's signature. If it doesn't fit the issuer's key as we know it, the key may have changed: it is
// looked up anew, though not at the pace of whoever sends forged tokens.
func (s *ServiceAuth) verify(ctx context.Context, t *serviceToken) error {
	known, err := s.known(ctx, t.issuer)
	key, keyErr := publicKey(known, err, t.keyID)
	if keyErr == nil && t.signedBy(key) {
		return nil
	}
	if err == nil && s.refresh.allow(t.issuer, s.cfg.Now()) {
		fresh, err := s.cfg.Refresh(ctx, t.issuer)
		if key, keyErr = publicKey(fresh, err, t.keyID); keyErr == nil && t.signedBy(key) {
			return nil
		}
	}
	if keyErr != nil {
		return keyErr
	}
	return ErrServiceToken.Named("BadJwtSignature", "jwt signature does not match jwt issuer")
}

// known resolves a DID, possibly to what it was hours ago. The handle, which would cost a request more, isn't looked at.
func (s *ServiceAuth) known(ctx context.Context, did syntax.DID) (*identity.Identity, error) {
	raw, err := s.cfg.Document(ctx, did)
	if err != nil {
		return nil, err
	}
	var doc identity.DIDDocument
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	id := identity.ParseIdentity(&doc)
	return &id, nil
}

// publicKey returns a key of an identity, or of the failure to resolve it what the client is told.
func publicKey(id *identity.Identity, err error, keyID string) (atcrypto.PublicKey, error) {
	if err != nil {
		return nil, ErrServiceToken.Named("BadJwtIss", "could not resolve iss did")
	}
	key, err := id.GetPublicKey(strings.TrimPrefix(keyID, "#"))
	if err != nil {
		return nil, ErrServiceToken.Named("BadJwtIss", "missing or bad key in did doc")
	}
	return key, nil
}
