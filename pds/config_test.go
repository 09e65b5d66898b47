package pds_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
)

func TestConfigReportsEverything(t *testing.T) {
	base := start(t).config
	base.PublicURL = "https://pds.example.com"
	nobody := auth.AuthenticatorFunc(func(*http.Request, auth.Credentials) (auth.Caller, error) { return auth.Caller{}, nil })
	ns := func(n pds.PreferenceNamespace) []pds.PreferenceNamespace { return []pds.PreferenceNamespace{n} }
	for _, test := range []struct {
		change func(*pds.Config)
		want   []string
	}{
		{func(c *pds.Config) {
			*c = pds.Config{HandleDomains: []string{"test"}, PublicURL: "https://pds.example.com"}
		},
			[]string{"Store", "Blobs", "Keys", "RotationKey", "TokenSecret", "HandleDomains"}},
		{func(c *pds.Config) { c.PublicURL, c.HandleDomains, c.DID = "pds.example.com", []string{"test"}, "me" },
			[]string{"PublicURL", "HandleDomains", "Config.DID"}},
		{func(c *pds.Config) {
			c.PLCURL, c.Lexicons = "nonsense", fstest.MapFS{"a.json": {Data: []byte("{")}}
			c.Proxy.Services = []pds.Service{{ID: "nobody"}}
		}, []string{"nonsense", "a.json", "nobody"}},
		{func(c *pds.Config) {
			c.LexiconAuthority, c.Moderators, c.RecoveryKey, c.Relays = "me", []syntax.DID{"you"}, "secret", []string{"bsky.network"}
		}, []string{"LexiconAuthority", "Moderators", "RecoveryKey", "bsky.network"}},
		{func(c *pds.Config) { c.Authenticators = auth.Schemes{"Staff": nobody, "staff": nobody, "": nil} },
			[]string{"two for the scheme", `none for the scheme ""`}},
		{func(c *pds.Config) {
			n := pds.PreferenceNamespace{Name: "com.example", Get: "com.example.get", Put: "com.example.put", Private: []string{"#secret"}}
			c.Preferences = append(ns(n), pds.PreferenceNamespace{Name: "com.example.b", Get: "com.example.b.get", Put: "com.example.b.put"})
		}, []string{`no type "#secret"`, `"com.example.b" and another`}},
	} {
		c := base
		test.change(&c)
		_, err := pds.New(c)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v says nothing of %s", err, want)
			}
		}
	}
	base.Relays, base.RecoveryKey = []string{"https://bsky.network"}, "did:key:zQ3shNXkcZfPsr8LgzroHyJmNrcHjTWnMwsquuVv8K7ym5deV"
	base.Moderators, base.LexiconAuthority = []syntax.DID{"did:web:mod.example.com"}, "did:web:lexicon.example.com"
	base.Preferences = ns(pds.PreferenceNamespace{
		Name: "com.example", Get: "com.example.get", Put: "com.example.put", Private: []string{"com.example.defs#secret"},
	})
	if _, err := pds.New(base); err != nil {
		t.Error(err)
	}
}

// TestOwnSessions: a host's own authenticator for a scheme takes the place of the server's, however the scheme is written.
func TestOwnSessions(t *testing.T) {
	p := pdstest.New(t, func(c *pds.Config) {
		c.Authenticators = auth.Schemes{"bearer": auth.AuthenticatorFunc(func(*http.Request, auth.Credentials) (auth.Caller, error) {
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
