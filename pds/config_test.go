package pds_test

import (
	"net/http"
	"testing"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
)

// TestOwnSessions: a host's own authenticator for a scheme takes the place of the server's, however the scheme is written.
func TestOwnSessions(t *testing.T) {
	p := pdstest.New(t, func(c *pds.Config) {
		c.Authenticators = auth.Schemes{"bearer": auth.AuthenticatorFunc(func(*http.Request) (auth.Caller, error) {
			return auth.Caller{}, auth.ErrForbidden.With("the host's")
		})}
	})
	alice := p.Account(t, "alice")
	for range 20 {
		if err := alice.Client.Get(t.Context(), "com.atproto.server.getSession", nil, nil); refusal(t, err) != "Forbidden" {
			t.Fatalf("got %v", err)
		}
	}
}
