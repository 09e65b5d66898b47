package session

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage/memory"
)

func TestNewSessionsRefuses(t *testing.T) {
	good := Config{Store: memory.New(), Secret: []byte(secret), Audience: audience}
	for name, edit := range map[string]func(*Config){
		"store":    func(c *Config) { c.Store = nil },
		"secret":   func(c *Config) { c.Secret = []byte("jwt-secret") },
		"audience": func(c *Config) { c.Audience = "" },
		"lifetime": func(c *Config) { c.AccessLifetime = -time.Second },
	} {
		c := good
		edit(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

func TestCreate(t *testing.T) {
	for scope, kind := range map[string]auth.Kind{
		ScopeAccess: auth.KindSession, ScopeAppPass: auth.KindAppPassword,
		ScopeAppPassPrivileged: auth.KindPrivilegedAppPassword, ScopeTakendown: auth.KindTakendown,
	} {
		s, _ := newMemorySessions(t)
		tokens := create(t, s, alice, scope, "")
		c, err := s.Verify(tokens.Access)
		if want := (auth.Caller{DID: alice, Kind: kind, Scope: auth.Scope(scope)}); err != nil || c != want {
			t.Errorf("%s: got %+v, %v, want %+v", scope, c, err, want)
		}
	}
	s, _ := newMemorySessions(t)
	for _, scope := range []string{"", scopeRefresh, "com.atproto.signupQueued"} {
		if _, err := s.Create(t.Context(), alice, scope, ""); err == nil {
			t.Errorf("a session was created with the scope %q", scope)
		}
	}
}

func TestTakendownSessionIsNotStored(t *testing.T) {
	s, _ := newMemorySessions(t)
	tokens := create(t, s, alice, ScopeTakendown, "")
	if _, _, err := s.Refresh(t.Context(), tokens.Refresh); !errors.Is(err, ErrRevokedToken) {
		t.Errorf("got %v, want ErrRevokedToken", err)
	}
}

// Tokens of alice in the form of the reference server, made at start with its runtime's primitives.
const (
	referenceAccess = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9." +
		"eyJzY29wZSI6ImNvbS5hdHByb3RvLmFjY2VzcyIsImF1ZCI6ImRpZDp3ZWI6cGRzLmV4YW1wbGUuY29tIiwic3ViIjoiZGlkOnBsYzpl" +
		"d3ZpN254enlvdW42emh4cmhzNjRvaXoiLCJpYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzIzMjgwMH0." +
		"ilgi0IZE4dIX3jFueUkjbCiJZa445H77i6nuCdQbC4s"
	referenceRefresh = "eyJ0eXAiOiJyZWZyZXNoK2p3dCIsImFsZyI6IkhTMjU2In0." +
		"eyJzY29wZSI6ImNvbS5hdHByb3RvLnJlZnJlc2giLCJhdWQiOiJkaWQ6d2ViOnBkcy5leGFtcGxlLmNvbSIsInN1YiI6ImRpZDpwbGM6" +
		"ZXd2aTdueHp5b3VuNnpoeHJoczY0b2l6IiwianRpIjoiLy83OS9QdjYrZmozOXZYMDgvTHg4Ty91N2V6cjZ1bm81K2JsNU9QaTRlQSIs" +
		"ImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzc1MDAxNjAwfQ.S_E1FPPWd34CQtOy4QXa-wylOxOr__74lYXy44YL-nU"
	referenceID = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA" // of referenceRefresh
)

func TestReferenceTokens(t *testing.T) {
	s, clock := newMemorySessions(t)
	clock.advance(2*time.Hour - time.Second)
	c, err := s.Verify(referenceAccess)
	if want := (auth.Caller{DID: alice, Kind: auth.KindSession, Scope: ScopeAccess}); err != nil || c != want {
		t.Errorf("access: got %+v, %v, want %+v", c, err, want)
	}
	clock.advance(time.Second)
	if _, err := s.Verify(referenceAccess); !errors.Is(err, auth.ErrExpiredToken) {
		t.Errorf("access after two hours: got %v, want ErrExpiredToken", err)
	}
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Authorization", "Bearer "+referenceRefresh)
	c, err = ask(s, r)
	if want := (auth.Caller{DID: alice, Kind: auth.KindRefresh, Scope: scopeRefresh, TokenID: referenceID}); err != nil || c != want {
		t.Errorf("refresh: got %+v, %v, want %+v", c, err, want)
	}
}

// The reverse: ours have exactly the header and the claims that the reference server checks.
func TestTokenForm(t *testing.T) {
	s, _ := newMemorySessions(t)
	tokens := create(t, s, alice, ScopeAccess, "")
	for typ, token := range map[string]string{typeAccess: tokens.Access, typeRefresh: tokens.Refresh} {
		m := jwt.MapClaims{}
		parsed, _, err := jwt.NewParser().ParseUnverified(token, m)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.Header["typ"] != typ || parsed.Header["alg"] != "HS256" || len(parsed.Header) != 2 {
			t.Errorf("%s: header %v", typ, parsed.Header)
		}
		want := map[string]any{
			"scope": ScopeAccess, "aud": audience.String(), "sub": alice.String(),
			"iat": float64(start.Unix()), "exp": float64(start.Add(2 * time.Hour).Unix()),
		}
		if typ == typeRefresh {
			want["scope"], want["exp"] = scopeRefresh, float64(start.AddDate(0, 0, 90).Unix())
			jti, _ := m["jti"].(string)
			if len(jti) != 43 {
				t.Errorf("jti %q has %d characters, want 43", jti, len(jti))
			}
			want["jti"] = jti
		}
		if fmt.Sprint(map[string]any(m)) != fmt.Sprint(want) {
			t.Errorf("%s:\n got %v\nwant %v", typ, m, want)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	s, _ := newMemorySessions(t)
	set := func(k string, v any) func(jwt.MapClaims) { return func(m jwt.MapClaims) { m[k] = v } }
	drop := func(k string) func(jwt.MapClaims) { return func(m jwt.MapClaims) { delete(m, k) } }
	const (
		unverified = "InvalidToken: Token could not be verified"
		malformed  = "InvalidToken: Malformed token"
		badScope   = "InvalidToken: Bad token scope"
		expired    = "ExpiredToken: Token has expired"
	)
	good := forge(t, typeAccess, nil)
	if _, err := s.Verify(good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	tests := []struct{ name, token, want string }{
		{"empty", "", unverified},
		{"garbage", "a.b.c", unverified},
		{"too long", good + strings.Repeat("A", maxToken), unverified},
		{"no signature", parts[0] + "." + parts[1] + ".", unverified},
		{"another's signature", parts[0] + "." + parts[1] + "." + strings.Split(forge(t, typeRefresh, nil), ".")[2], unverified},
		{"refresh token", forge(t, typeRefresh, nil), unverified},
		{"expired refresh token", forge(t, typeRefresh, set("exp", start.Unix())), unverified},
		{"typ JWT", forge(t, "JWT", nil), unverified},
		{"typ missing", forge(t, nil, nil), unverified},
		{"typ a number", forge(t, 1, nil), unverified},
		{"another audience", forge(t, typeAccess, set("aud", "did:web:other.example.com")), unverified},
		{"another audience and expired", forge(t, typeAccess, func(m jwt.MapClaims) { m["aud"], m["exp"] = "x", 1 }), unverified},
		{"two audiences", forge(t, typeAccess, set("aud", []string{audience.String()})), unverified},
		{"no audience", forge(t, typeAccess, drop("aud")), unverified},
		{"no expiry", forge(t, typeAccess, drop("exp")), unverified},
		{"expiry a string", forge(t, typeAccess, set("exp", "9999999999")), unverified},
		{"no issue time", forge(t, typeAccess, drop("iat")), unverified},
		{"not yet", forge(t, typeAccess, set("nbf", start.Unix()+1)), unverified},
		{"expired", forge(t, typeAccess, set("exp", start.Unix())), expired},
		{"no subject", forge(t, typeAccess, drop("sub")), malformed},
		{"subject a handle", forge(t, typeAccess, set("sub", "alice.example.com")), malformed},
		{"subject a number", forge(t, typeAccess, set("sub", 1)), malformed},
		{"jti a number", forge(t, typeAccess, set("jti", 1)), malformed},
		{"service token", forge(t, typeAccess, set("lxm", "com.atproto.repo.uploadBlob")), malformed},
		{"key-bound token", forge(t, typeAccess, set("cnf", map[string]any{"jkt": "x"})), malformed},
		{"no scope", forge(t, typeAccess, drop("scope")), badScope},
		{"unknown scope", forge(t, typeAccess, set("scope", "com.atproto.signupQueued")), badScope},
		{"refresh scope", forge(t, typeAccess, set("scope", scopeRefresh)), badScope},
		{"alg none", unsigned(t), unverified},
		{"alg HS512", signed(t, jwt.SigningMethodHS512), unverified},
		{"alg HS384", signed(t, jwt.SigningMethodHS384), unverified},
		{"alg RS256", strings.Replace(good, parts[0], encodeSegment(`{"typ":"at+jwt","alg":"RS256"}`), 1), unverified},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := s.Verify(test.token)
			var e *auth.Error
			if !errors.As(err, &e) || e.Error() != test.want {
				t.Errorf("got error %v, want %s", err, test.want)
			}
			if c != (auth.Caller{}) {
				t.Errorf("got caller %+v beside an error", c)
			}
		})
	}
}

func unsigned(t *testing.T) string {
	t.Helper()
	tok := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{
		"scope": ScopeAccess, "aud": audience, "sub": alice, "iat": start.Unix(), "exp": start.Unix() + 60,
	})
	tok.Header["typ"] = typeAccess
	s, err := tok.SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signed(t *testing.T, method jwt.SigningMethod) string {
	t.Helper()
	tok := jwt.NewWithClaims(method, jwt.MapClaims{
		"scope": ScopeAccess, "aud": audience, "sub": alice, "iat": start.Unix(), "exp": start.Unix() + 60,
	})
	tok.Header["typ"] = typeAccess
	s, err := tok.SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encodeSegment(s string) string { return (&jwt.Token{}).EncodeSegment([]byte(s)) }

func TestNothingSecretIsPrinted(t *testing.T) {
	s, _ := newMemorySessions(t)
	tokens := create(t, s, alice, ScopeAccess, "")
	config := Config{Secret: []byte(secret)}
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("created", "config", config, "sessions", s, "tokens", tokens)
	}
	fmt.Fprintf(&out, "%v %+v %#v %s %x %d %v %+v %#v %s", s, s, s, s, s, s, tokens, tokens, tokens, tokens)
	fmt.Fprintf(&out, "%v %+v %#v %s", config, &config, config, config)
	decimal := strings.Trim(fmt.Sprint([]byte(secret)), "[]")
	for _, leak := range []string{secret, fmt.Sprintf("%x", secret), base64.StdEncoding.EncodeToString([]byte(secret)), decimal, tokens.Access, tokens.Refresh} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("printed a secret: %s", out.String())
		}
	}
}
