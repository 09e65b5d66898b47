package session

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/storage/memory"
)

// Whatever the header is, the answer is a caller or an *auth.Error; and no caller but the one whose
// token it is.
func FuzzAuthenticate(f *testing.F) {
	s, err := New(Config{
		Store: memory.New(), Secret: []byte(secret), Audience: audience, Now: (&clock{now: start}).Now,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add("Bearer")
	f.Add("Bearer ..")
	f.Add("bearer " + referenceAccess)
	f.Add("Bearer " + referenceRefresh)
	f.Add("Bearer " + referenceAccess[:len(referenceAccess)-1])
	f.Add("Basic YWRtaW46aHVudGVyMg==")
	f.Add("DPoP x y")
	schemes := auth.Schemes{"Bearer": s, "Basic": password.Admin("a password that nobody guesses")}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{header}
		c, err := ask(schemes, r)
		var e *auth.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v isn't for a client", err)
		}
		if err != nil && c != (auth.Caller{}) {
			t.Fatalf("a caller beside %v", err)
		}
		_, token, _ := strings.Cut(header, " ")
		token = strings.TrimLeft(token, " ")
		if ours := token == referenceAccess || token == referenceRefresh; c.Kind != auth.KindAnonymous && !ours {
			t.Fatalf("%q made %+v", header, c)
		}
	})
}

// Whatever claims our own secret has signed, what is accepted is whole.
func FuzzClaims(f *testing.F) {
	s, err := New(Config{
		Store: memory.New(), Secret: []byte(secret), Audience: audience, Now: (&clock{now: start}).Now,
	})
	if err != nil {
		f.Fatal(err)
	}
	claims := `{"scope":"com.atproto.access","aud":"did:web:pds.example.com","sub":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","iat":1,"exp":4e9}`
	f.Add(`{"alg":"HS256","typ":"at+jwt"}`, claims)
	f.Add(`{"alg":"HS256","typ":"refresh+jwt"}`, strings.Replace(claims, "access", "refresh", 1))
	f.Add(`{"alg":"none"}`, `null`)
	f.Add(`{"alg":"HS256","typ":"at+jwt"}`, strings.Replace(claims, "4e9", "1e308", 1))
	f.Add(`{"alg":"HS256","typ":7}`, `[]`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		signed := encodeSegment(header) + "." + encodeSegment(payload)
		sig, err := jwt.SigningMethodHS256.Sign(signed, []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		token := signed + "." + (&jwt.Token{}).EncodeSegment(sig)
		c, err := s.parse(token)
		var e *auth.Error
		switch {
		case err != nil && !errors.As(err, &e):
			t.Fatalf("%v isn't for a client", err)
		case err == nil && (c.did == "" || c.caller().Kind == auth.KindAnonymous):
			t.Fatalf("accepted %s %s as %+v", header, payload, c)
		case err == nil && c.typ == typeRefresh && c.jti == "":
			t.Fatalf("accepted a refresh token without ID: %s", payload)
		}
	})
}
