package auth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/storage/memory"
)

func newSessions(t *testing.T) *session.Issuer {
	t.Helper()
	sessions, err := session.New(session.Config{
		Store: memory.New(), Secret: []byte("0123456789abcdef0123456789abcdef"), Audience: "did:web:pds.example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	return sessions
}

// ask has an authenticator find out who makes a request.
func ask(a auth.Authenticator, r *http.Request) (auth.Caller, error) {
	c, err := auth.CredentialsOf(r)
	if err != nil {
		return auth.Caller{}, err
	}
	return a.Authenticate(r, c)
}

func TestSchemes(t *testing.T) {
	sessions := newSessions(t)
	tokens, err := sessions.Create(t.Context(), "did:web:alice.example.com", session.ScopeAccess, "")
	if err != nil {
		t.Fatal(err)
	}
	schemes := auth.Schemes{"Bearer": sessions, "Basic": password.Admin("hunter:2")}

	const wrongAdmin = "Authentication Required"
	tests := []struct {
		name    string
		headers []string
		want    auth.Kind
		message string // of the error, "" for none
	}{
		{"none", nil, auth.KindAnonymous, ""},
		{"empty", []string{""}, auth.KindAnonymous, ""},
		{"access", []string{"Bearer " + tokens.Access}, auth.KindSession, ""},
		{"refresh", []string{"Bearer " + tokens.Refresh}, auth.KindRefresh, ""},
		{"lower case", []string{"bearer " + tokens.Access}, auth.KindSession, ""},
		{"spaces", []string{"Bearer  " + tokens.Access}, auth.KindSession, ""},
		{"spaces alone", []string{"Bearer   "}, "", "Malformed authorization header"},
		{"space at the end", []string{"Bearer " + tokens.Access + " "}, "", "Malformed authorization header"},
		{"garbage token", []string{"Bearer garbage"}, "", "Token could not be verified"},
		{"scheme alone", []string{"Bearer"}, "", "Malformed authorization header"},
		{"no token", []string{"Bearer "}, "", "Malformed authorization header"},
		{"no scheme", []string{" " + tokens.Access}, "", "Malformed authorization header"},
		{"three parts", []string{"Bearer " + tokens.Access + " x"}, "", "Malformed authorization header"},
		{"two headers", []string{"Bearer " + tokens.Access, "Bearer " + tokens.Access}, "", "Malformed authorization header"},
		{"unknown", []string{"Digest x"}, "", "Unsupported authorization type"},
		{"admin", []string{basic("admin", "hunter:2")}, auth.KindAdmin, ""},
		{"admin, wrong password", []string{basic("admin", "hunter:3")}, "", wrongAdmin},
		{"admin, no password", []string{basic("admin", "")}, "", wrongAdmin},
		{"another user", []string{basic("root", "hunter:2")}, "", wrongAdmin},
		{"bad base64", []string{"Basic %%%"}, "", wrongAdmin},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			for _, h := range test.headers {
				r.Header.Add("Authorization", h)
			}
			c, err := ask(schemes, r)
			var e *auth.Error
			switch {
			case test.message != "" && (!errors.As(err, &e) || e.Message != test.message):
				t.Errorf("got error %v, want %q", err, test.message)
			case test.message == "" && err != nil:
				t.Error(err)
			}
			if c.Kind != test.want {
				t.Errorf("got kind %q, want %q", c.Kind, test.want)
			}
		})
	}
}

// basic returns a header of HTTP Basic.
func basic(user, password string) string {
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// Used alone, without auth.Schemes, each knows its own scheme.
func TestWrongScheme(t *testing.T) {
	sessions := newSessions(t)
	for header, a := range map[string]auth.Authenticator{"Bearer x": password.Admin("x"), basic("admin", "x"): sessions} {
		r := httptest.NewRequest("GET", "/", nil)
		if c, err := ask(a, r); err != nil || c.Kind != auth.KindAnonymous {
			t.Errorf("no header: got %v, %v, want an anonymous caller", c, err)
		}
		r.Header.Set("Authorization", header)
		if _, err := ask(a, r); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: got %v, want ErrInvalidToken", header, err)
		}
	}
}
