package auth

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pdskit/pdskit/storage/memory"
)

// Whatever the header is, the answer is a caller or an *Error; and no caller but the one whose token it is.
func FuzzAuthenticate(f *testing.F) {
	s, err := NewSessions(SessionsConfig{
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
	schemes := Schemes{"Bearer": s, "Basic": AdminPassword("a password that nobody guesses")}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{header}
		c, err := ask(schemes, r)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v isn't for a client", err)
		}
		if err != nil && c != (Caller{}) {
			t.Fatalf("a caller beside %v", err)
		}
		_, token, _ := strings.Cut(header, " ")
		token = strings.TrimLeft(token, " ")
		if ours := token == referenceAccess || token == referenceRefresh; c.Kind != KindAnonymous && !ours {
			t.Fatalf("%q made %+v", header, c)
		}
	})
}

// Whatever claims our own secret has signed, what is accepted is whole.
func FuzzClaims(f *testing.F) {
	s, err := NewSessions(SessionsConfig{
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
		var e *Error
		switch {
		case err != nil && !errors.As(err, &e):
			t.Fatalf("%v isn't for a client", err)
		case err == nil && (c.did == "" || c.caller().Kind == KindAnonymous):
			t.Fatalf("accepted %s %s as %+v", header, payload, c)
		case err == nil && c.typ == typeRefresh && c.jti == "":
			t.Fatalf("accepted a refresh token without ID: %s", payload)
		}
	})
}

func FuzzParseArgon2(f *testing.F) {
	f.Add(argon2Foreign)
	f.Add("$argon2id$v=19$m=1,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$$$$")
	f.Fuzz(func(t *testing.T, hash string) {
		h, err := parseArgon2(hash)
		if err != nil {
			return
		}
		if max := maxHashParams; h.memory > max.memory || h.time > max.time || h.threads > max.threads || h.time == 0 || h.threads == 0 {
			t.Fatalf("accepted %+v", h.argon2Params)
		}
		if again, err := parseArgon2(h.String()); err != nil || again.String() != h.String() {
			t.Fatalf("%q doesn't survive printing: %v", hash, err)
		}
	})
}
