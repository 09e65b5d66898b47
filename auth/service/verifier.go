package service

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

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage"
)

// Config says how to make a [Verifier].
type Config struct {
	// Required.

	// Audiences are what a token may name as whom it is for: the server's DID, and "#" with its service ID behind.
	Audiences []string

	// Document resolves a DID to its document; an answer may be hours old. Refresh asks the network for what it is now.
	Document func(ctx context.Context, did syntax.DID) (json.RawMessage, error)
	Refresh  func(ctx context.Context, did syntax.DID) (*identity.Identity, error)

	// Used remembers the tokens that have been used, until they expire.
	Used storage.Documents

	// Optional.

	// Moderators are the services that moderate the server: their tokens make a caller of
	// [auth.KindModerator]. If nil, there are none.
	Moderators []syntax.DID

	Now func() time.Time // If nil, time.Now.
}

// Verifier is an [auth.Authenticator] that knows service tokens: the short-lived ones by which an
// account, or a service, asks another server for something. A token is good for the one method that
// it names, at the server that it names, and once.
//
// Spec: https://atproto.com/specs/xrpc#inter-service-authentication-jwt
type Verifier struct {
	cfg     Config
	refresh refreshLimit
}

var _ auth.Authenticator = (*Verifier)(nil)

const (
	// maxLifetime is for how long a token may still be good. It bounds what has to be remembered.
	maxLifetime = time.Hour

	// clockSkew is how far the issuer's clock may be ahead of ours.
	clockSkew = time.Minute
)

// New returns a Verifier. It fails if something required is missing.
func New(c Config) (*Verifier, error) {
	if len(c.Audiences) == 0 || c.Document == nil || c.Refresh == nil || c.Used == nil {
		return nil, errors.New("service: a verifier needs audiences, a way to resolve DIDs, and a store")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Verifier{cfg: c}, nil
}

// Or returns an [auth.Authenticator] for the scheme Bearer, which has several kinds of tokens:
// those that name a method are service tokens, all others are for sessions to judge.
func (s *Verifier) Or(sessions auth.Authenticator) auth.Authenticator {
	return auth.AuthenticatorFunc(func(r *http.Request, c auth.Credentials) (auth.Caller, error) {
		if token, err := c.Of("Bearer"); err == nil && isServiceToken(token) {
			return s.Authenticate(r, c)
		}
		return sessions.Authenticate(r, c)
	})
}

// Authenticate implements [auth.Authenticator] for service tokens of the scheme Bearer.
func (s *Verifier) Authenticate(r *http.Request, c auth.Credentials) (auth.Caller, error) {
	raw, err := c.Of("Bearer")
	if err != nil || raw == "" {
		return auth.Caller{}, err
	}
	t, err := parse(raw)
	if err != nil {
		return auth.Caller{}, err
	}
	if err := s.check(t, method(r)); err != nil {
		return auth.Caller{}, err
	}
	if err := s.verify(r.Context(), t); err != nil {
		return auth.Caller{}, err
	}
	if err := s.use(r.Context(), t); err != nil {
		return auth.Caller{}, err
	}
	kind := auth.KindService
	if slices.Contains(s.cfg.Moderators, t.issuer) {
		kind = auth.KindModerator
	}
	return auth.Caller{DID: t.issuer, Kind: kind, TokenID: t.claims.ID}, nil
}

// method returns the method that a request is for.
func method(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/xrpc/") }

// check checks what a token says, whoever may have signed it.
func (s *Verifier) check(t *received, method string) error {
	now, expires := s.cfg.Now(), t.claims.Expires.time()
	switch {
	case slices.Contains([]string{"at+jwt", "refresh+jwt", "dpop+jwt"}, t.header.Type):
		return ErrToken.Named("BadJwtType", fmt.Sprintf("Invalid jwt type %q", t.header.Type))
	case !expires.After(now):
		return ErrToken.Named("JwtExpired", "jwt expired")
	case expires.After(now.Add(maxLifetime + clockSkew)):
		return ErrToken.With("jwt is good for more than an hour")
	case t.claims.Issued.time().After(now.Add(clockSkew)):
		return ErrToken.With("jwt is from the future")
	case !slices.Contains(s.cfg.Audiences, t.claims.Audience):
		return ErrToken.Named("BadJwtAudience", "jwt audience does not match service did")
	case t.claims.Method == "":
		return ErrToken.Named("BadJwtLexiconMethod", `missing jwt lexicon method ("lxm"). must match: `+method)
	case t.claims.Method != method:
		return ErrToken.Named("BadJwtLexiconMethod", `bad jwt lexicon method ("lxm"). must match: `+method)
	}
	// A key that is for labels doesn't speak for an account, save one that moderates here.
	if t.keyID != keyAtproto && !(t.keyID == keyLabel && slices.Contains(s.cfg.Moderators, t.issuer)) {
		return ErrToken.Named("UntrustedIss", "Untrusted issuer")
	}
	return nil
}

// verify checks a token's signature. If it doesn't fit the issuer's key as we know it, the key may have changed: it is
// looked up anew, though not at the pace of whoever sends forged tokens.
func (s *Verifier) verify(ctx context.Context, t *received) error {
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
	return ErrToken.Named("BadJwtSignature", "jwt signature does not match jwt issuer")
}

// known resolves a DID, possibly to what it was hours ago. The handle, which would cost a request more, isn't looked at.
func (s *Verifier) known(ctx context.Context, did syntax.DID) (*identity.Identity, error) {
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
		return nil, ErrToken.Named("BadJwtIss", "could not resolve iss did")
	}
	key, err := id.GetPublicKey(strings.TrimPrefix(keyID, "#"))
	if err != nil {
		return nil, ErrToken.Named("BadJwtIss", "missing or bad key in did doc")
	}
	return key, nil
}
