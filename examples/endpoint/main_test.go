package main

import (
	"errors"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atclient"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
)

func start(t *testing.T) (*pdstest.PDS, *pdstest.Account) {
	p := pdstest.New(t, func(c *pds.Config) { c.Lexicons = lexicons })
	p.Handle(methods(p.Server)...)
	return p, p.Account(t, "alice")
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
	app := func(scope auth.Scope) *atclient.APIClient {
		return p.As(auth.Caller{DID: alice.DID, Kind: auth.KindOAuth, Scope: scope})
	}
	good := bookmark{URL: "https://go.dev"}
	for _, test := range []struct {
		name   string
		client *atclient.APIClient
		input  bookmark
		want   string
	}{
		{"nobody", p.Client(), good, "AuthMissing"},
		{"an app that may", app("atproto repo:com.example.bookmark"), good, ""},
		{"an app that may do something else", app("atproto repo:com.example.other"), good, "ScopeMissingError"},
		{"not a URL", alice.Client, bookmark{URL: "go dev"}, "InvalidRequest"},
		{"too many tags", alice.Client, bookmark{URL: "https://go.dev", Tags: make([]string, 9)}, "InvalidRequest"},
	} {
		err := test.client.Post(t.Context(), "com.example.saveBookmark", test.input, nil)
		var e *atclient.APIError
		if got := errors.As(err, &e); got != (test.want != "") || got && e.Name != test.want {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
