package session

import (
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/golang-jwt/jwt/v5"

	"github.com/pdskit/pdskit/auth"
)

// The scopes of access tokens.
const (
	ScopeAccess            = "com.atproto.access"
	ScopeAppPass           = "com.atproto.appPass"
	ScopeAppPassPrivileged = "com.atproto.appPassPrivileged"
	ScopeTakendown         = "com.atproto.takendown"
)

const scopeRefresh = "com.atproto.refresh"

// The values of a token's header "typ", which keep one kind of token from being taken for another.
const (
	typeAccess  = "at+jwt"
	typeRefresh = "refresh+jwt"
)

// maxToken is the length in bytes above which a token isn't looked at. Ours have about 400.
const maxToken = 4096

// claims is what a session token says.
type claims struct {
	typ     string
	scope   string
	did     syntax.DID
	jti     string
	issued  int64 // Unix seconds, like expires
	expires int64
}

// kindOf returns the kind of caller that an access token's scope makes, [auth.KindAnonymous] for an
// unknown scope.
func kindOf(scope string) auth.Kind {
	switch scope {
	case ScopeAccess:
		return auth.KindSession
	case ScopeAppPass:
		return auth.KindAppPassword
	case ScopeAppPassPrivileged:
		return auth.KindPrivilegedAppPassword
	case ScopeTakendown:
		return auth.KindTakendown
	}
	return auth.KindAnonymous
}

func (c claims) caller() auth.Caller {
	kind := kindOf(c.scope)
	if c.typ == typeRefresh {
		kind = auth.KindRefresh
	}
	return auth.Caller{DID: c.did, Kind: kind, Scope: auth.Scope(c.scope), TokenID: c.jti}
}

func (s *Issuer) signClaims(c claims) (string, error) {
	m := jwt.MapClaims{"scope": c.scope, "aud": s.audience, "sub": c.did.String(), "iat": c.issued, "exp": c.expires}
	if c.jti != "" {
		m["jti"] = c.jti
	}
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, m)
	t.Header["typ"] = c.typ
	signed, err := t.SignedString(s.secret)
	if err != nil {
		return "", fmt.Errorf("session: sign token: %w", err)
	}
	return signed, nil
}

// parseAs is parse for tokens of one type.
func (s *Issuer) parseAs(typ, token string) (claims, error) {
	c, err := s.parse(token)
	if (err == nil || errors.Is(err, auth.ErrExpiredToken)) && c.typ != typ {
		return claims{}, auth.ErrInvalidToken
	}
	return c, err
}

// parse checks a session token of either type. The claims are those of a good token if the error is nil or
// [auth.ErrExpiredToken], and zero otherwise.
func (s *Issuer) parse(token string) (claims, error) {
	if len(token) > maxToken {
		return claims{}, auth.ErrInvalidToken
	}
	// The claims are checked below: the parser would report an expired token that is also meant for somebody else, or
	// broken, as expired, and the client would try to refresh it.
	m := jwt.MapClaims{}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithStrictDecoding(),
		jwt.WithoutClaimsValidation(),
	)
	t, err := parser.ParseWithClaims(token, m, func(*jwt.Token) (any, error) { return s.secret, nil })
	if err != nil {
		return claims{}, auth.ErrInvalidToken
	}
	typ, _ := t.Header["typ"].(string)
	return s.check(typ, m)
}

// check checks the claims of a token that is ours.
func (s *Issuer) check(typ string, m jwt.MapClaims) (claims, error) {
	now := float64(s.now().Unix())
	exp, hasExp := m["exp"].(float64)
	iat, hasIat := m["iat"].(float64)
	nbf, hasNbf := m["nbf"].(float64)
	if typ != typeAccess && typ != typeRefresh || m["aud"] != s.audience || !hasExp || !hasIat || hasNbf && nbf > now {
		return claims{}, auth.ErrInvalidToken
	}

	// A service token would have a method, one of OAuth a proof key. The secret signs neither, and must not.
	if m["lxm"] != nil || m["cnf"] != nil {
		return claims{}, auth.ErrInvalidToken.With("Malformed token")
	}
	sub, _ := m["sub"].(string)
	did, err := syntax.ParseDID(sub)
	if err != nil {
		return claims{}, auth.ErrInvalidToken.With("Malformed token")
	}
	jti, isString := m["jti"].(string)
	if m["jti"] != nil && !isString {
		return claims{}, auth.ErrInvalidToken.With("Malformed token")
	}
	scope, _ := m["scope"].(string)
	if typ == typeRefresh && scope != scopeRefresh || typ == typeAccess && kindOf(scope) == auth.KindAnonymous {
		return claims{}, auth.ErrInvalidToken.With("Bad token scope")
	}
	if typ == typeRefresh && jti == "" {
		return claims{}, ErrMissingTokenID
	}

	c := claims{typ: typ, scope: scope, did: did, jti: jti, issued: int64(iat), expires: int64(exp)}
	if exp <= now {
		return c, auth.ErrExpiredToken
	}
	return c, nil
}
