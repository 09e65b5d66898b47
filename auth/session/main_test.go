package session

import (
	"net/http"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/golang-jwt/jwt/v5"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

const (
	alice    = syntax.DID("did:plc:ewvi7nxzyoun6zhxrhs64oiz")
	bob      = syntax.DID("did:plc:44ybard66vv44zksje25o7dz")
	audience = syntax.DID("did:web:pds.example.com")
	secret   = "0123456789abcdef0123456789abcdef"
)

// start is the moment at which the tests' clocks begin.
var start = time.Unix(1767225600, 0).UTC()

// clock is a clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func newSessions(t *testing.T, store storage.Documents) (*Issuer, *clock) {
	t.Helper()
	c := &clock{now: start}
	s, err := New(Config{Store: store, Secret: []byte(secret), Audience: audience, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func newMemorySessions(t *testing.T) (*Issuer, *clock) {
	t.Helper()
	return newSessions(t, memory.New())
}

func create(t *testing.T, s *Issuer, did syntax.DID, scope, appPassword string) Tokens {
	t.Helper()
	tokens, err := s.Create(t.Context(), did, scope, appPassword)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func refresh(t *testing.T, s *Issuer, token string) Tokens {
	t.Helper()
	tokens, did, err := s.Refresh(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if did != alice {
		t.Fatalf("Refresh returned DID %q, want %q", did, alice)
	}
	return tokens
}

// forge signs claims as a test likes them, from good ones that edit has changed.
func forge(t *testing.T, typ any, edit func(jwt.MapClaims)) string {
	t.Helper()
	m := jwt.MapClaims{
		"scope": ScopeAccess, "aud": audience, "sub": alice,
		"iat": start.Unix(), "exp": start.Add(time.Hour).Unix(),
	}
	if typ == typeRefresh {
		m["scope"], m["jti"] = scopeRefresh, newTokenID()
	}
	if edit != nil {
		edit(m)
	}
	tok := jwt.NewWithClaims(jwt.SigningMethodHS256, m)
	tok.Header["typ"] = typ
	signed, err := tok.SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// ask has an authenticator find out who makes a request.
func ask(a auth.Authenticator, r *http.Request) (auth.Caller, error) {
	c, err := auth.CredentialsOf(r)
	if err != nil {
		return auth.Caller{}, err
	}
	return a.Authenticate(r, c)
}
