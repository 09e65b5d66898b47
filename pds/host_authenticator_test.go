package pds_test

import (
	"net/http"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
)

// TestHostAuthenticator: callers by a scheme of the host's own, and by a cookie where there is no header.
func TestHostAuthenticator(t *testing.T) {
	var did syntax.DID
	known := func(credential string) (auth.Caller, error) {
		switch credential {
		case "":
			return auth.Caller{}, nil
		case "alice":
			return auth.Caller{Kind: auth.KindSession, DID: did, Extra: "a host's user"}, nil
		}
		return auth.Caller{}, auth.ErrInvalidToken
	}
	p := pdstest.New(t, func(c *pds.Config) {
		c.Authenticators = auth.Schemes{
			"Staff": auth.AuthenticatorFunc(func(_ *http.Request, c auth.Credentials) (auth.Caller, error) {
				return known(c.Token)
			}),
			"": auth.AuthenticatorFunc(func(r *http.Request, _ auth.Credentials) (auth.Caller, error) {
				cookie, err := r.Cookie("user")
				if err != nil {
					return known("")
				}
				return known(cookie.Value)
			}),
		}
	})
	alice := p.Account(t, "alice")
	did = alice.DID
	for _, test := range []struct{ header, value, want string }{
		{"Authorization", "Staff alice", ""},
		{"Authorization", "Staff mallory", "InvalidToken"},
		{"Authorization", "Bearer " + alice.Access, ""},
		{"Cookie", "user=alice", ""},
		{"Cookie", "user=mallory", "InvalidToken"},
		{"Cookie", "other=alice", "AuthMissing"},
	} {
		client := p.Client()
		client.Headers.Set(test.header, test.value)
		err := client.Post(t.Context(), "com.atproto.repo.createRecord", map[string]any{
			"repo": "alice.test", "collection": "com.example.thing", "record": map[string]any{},
		}, nil)
		if got := refusal(t, err); got != test.want {
			t.Errorf("%s: %s: got %q, want %q", test.header, test.value, got, test.want)
		}
	}
}
