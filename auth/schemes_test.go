package auth

import (
	"errors"
	"net/http/httptest"
	"testing"
)

func TestSchemes(t *testing.T) {
	sessions, _ := newMemorySessions(t)
	tokens := create(t, sessions, alice, ScopeAccess, "")
	schemes := Schemes{"Bearer": sessions, "Basic": AdminPassword("hunter:2")}

	const wrongAdmin = "Authentication Required"
	tests := []struct {
		name    string
		headers []string
		want    Kind
		message string // of the error, "" for none
	}{
		{"none", nil, KindAnonymous, ""},
		{"empty", []string{""}, KindAnonymous, ""},
		{"access", []string{"Bearer " + tokens.Access}, KindSession, ""},
		{"refresh", []string{"Bearer " + tokens.Refresh}, KindRefresh, ""},
		{"lower case", []string{"bearer " + tokens.Access}, KindSession, ""},
		{"spaces", []string{"Bearer  " + tokens.Access}, KindSession, ""},
		{"spaces alone", []string{"Bearer   "}, "", "Malformed authorization header"},
		{"space at the end", []string{"Bearer " + tokens.Access + " "}, "", "Malformed authorization header"},
		{"garbage token", []string{"Bearer garbage"}, "", "Token could not be verified"},
		{"scheme alone", []string{"Bearer"}, "", "Malformed authorization header"},
		{"no token", []string{"Bearer "}, "", "Malformed authorization header"},
		{"no scheme", []string{" " + tokens.Access}, "", "Malformed authorization header"},
		{"three parts", []string{"Bearer " + tokens.Access + " x"}, "", "Malformed authorization header"},
		{"two headers", []string{"Bearer " + tokens.Access, "Bearer " + tokens.Access}, "", "Malformed authorization header"},
		{"unknown", []string{"Digest x"}, "", "Unsupported authorization type"},
		{"admin", []string{basic("admin", "hunter:2")}, KindAdmin, ""},
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
			var e *Error
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

func TestAdminPasswordEmpty(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth("admin", "")
	if c, err := ask(AdminPassword(""), r); !errors.Is(err, ErrAuthRequired) || c.Kind != KindAnonymous {
		t.Errorf("got %v, %v: without a password there is no operator", c, err)
	}
}

// Used alone, without Schemes, each knows its own scheme.
func TestWrongScheme(t *testing.T) {
	sessions, _ := newMemorySessions(t)
	for header, a := range map[string]Authenticator{"Bearer x": AdminPassword("x"), basic("admin", "x"): sessions} {
		r := httptest.NewRequest("GET", "/", nil)
		if c, err := ask(a, r); err != nil || c.Kind != KindAnonymous {
			t.Errorf("no header: got %v, %v, want an anonymous caller", c, err)
		}
		r.Header.Set("Authorization", header)
		if _, err := ask(a, r); !errors.Is(err, ErrInvalidToken) {
			t.Errorf("%s: got %v, want ErrInvalidToken", header, err)
		}
	}
}
