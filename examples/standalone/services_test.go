package main

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/pds"
)

func TestServices(t *testing.T) {
	s, _, err := parse(nil, environ(
		"PDS_BSKY_APP_VIEW_URL", "https://api.example.com", "PDS_BSKY_APP_VIEW_DID", "did:web:api.example.com",
		"PDS_BSKY_APP_VIEW_CDN_URL_PATTERN", "https://cdn.example.com/%s/%s/%s@jpeg",
		"PDS_MOD_SERVICE_URL", "https://mod.example.com", "PDS_MOD_SERVICE_DID", "did:web:mod.example.com",
	), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var c pds.Config
	s.services.apply(&c)
	want := []pds.Service{
		{ID: "did:web:api.example.com#bsky_appview", URL: "https://api.example.com", Methods: []string{"*"}},
		{ID: "did:web:mod.example.com#atproto_labeler", URL: "https://mod.example.com", Methods: []string{"tools.ozone.*"}},
		{ID: "did:web:mod.example.com#atproto_labeler", URL: "https://mod.example.com", Methods: []string{"com.atproto.moderation.createReport"}},
	}
	if diff := cmp.Diff(want, c.Proxy.Services); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(c.Moderators) != 1 || c.Moderators[0] != "did:web:mod.example.com" {
		t.Errorf("moderators: %q", c.Moderators)
	}
	if got := c.Proxy.ImageURL("avatar", "did:web:a.example.com", "bafy"); got != "https://cdn.example.com/avatar/did:web:a.example.com/bafy@jpeg" {
		t.Errorf("images are at %s", got)
	}
	if _, _, err := parse(nil, environ("PDS_BSKY_APP_VIEW_URL", "https://api.example.com"), io.Discard); err == nil {
		t.Error("a service without a DID is accepted")
	}
}
