package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atclient"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
)

// start serves the program's methods, to apps too: whoever says so acts for an account, with the scope that they claim.
func start(t *testing.T) (p *pdstest.PDS, alice *pdstest.Account) {
	p = pdstest.New(t, func(c *pds.Config) {
		c.Lexicons = lexicons
		c.Authenticators = auth.Schemes{"App": auth.AuthenticatorFunc(func(r *http.Request) (auth.Caller, error) {
			_, scope, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			return auth.Caller{Kind: auth.KindOAuth, DID: alice.DID, Scope: strings.ReplaceAll(scope, "+", " ")}, nil
		})}
	})
	p.Handle(methods(p.Server)...)
	alice = p.Account(t, "alice")
	return p, alice
}

func TestBookmarks(t *testing.T) {
	_, alice := start(t)
	saves := []bookmark{
		{URL: "https://go.dev", Tags: []string{"go", "language"}},
		{URL: "https://atproto.com", Tags: []string{"protocol"}},
	}
	for _, b := range saves {
		var out saved
		if err := alice.Client.Post(t.Context(), "com.example.saveBookmark", b, &out); err != nil {
			t.Fatal(err)
		}
		if out.URI.Collection() != collection || out.URI.Authority() != alice.DID.AtIdentifier() {
			t.Errorf("saved as %s", out.URI)
		}
	}
	for tag, want := range map[string][]bookmark{"": saves, "go": saves[:1], "none": {}} {
		var got list
		if err := alice.Client.Get(t.Context(), "com.example.listBookmarks", map[string]any{"tag": tag}, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Bookmarks); diff != "" {
			t.Errorf("tag %q (-want +got):\n%s", tag, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	p, alice := start(t)
	good := bookmark{URL: "https://go.dev"}
	for _, test := range []struct {
		name, authorization string
		input               any
		want                string
	}{
		{"nobody", "", good, "AuthMissing"},
		{"an app that may", "App atproto+repo:com.example.bookmark", good, ""},
		{"an app that may do something else", "App atproto+repo:com.example.other", good, "ScopeMissingError"},
		{"not a URL", "Bearer " + alice.Access, bookmark{URL: "go dev"}, "InvalidRequest"},
		{"too many tags", "Bearer " + alice.Access, bookmark{URL: "https://go.dev", Tags: make([]string, 9)}, "InvalidRequest"},
	} {
		client := p.Client()
		if test.authorization != "" {
			client.Headers.Set("Authorization", test.authorization)
		}
		err := client.Post(t.Context(), syntax.NSID("com.example.saveBookmark"), test.input, nil)
		var e *atclient.APIError
		if got := errors.As(err, &e); got != (test.want != "") || got && e.Name != test.want {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
