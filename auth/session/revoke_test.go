package session

import (
	"errors"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pdskit/pdskit/auth"
)

func list(t *testing.T, s *Issuer, did syntax.DID) []Info {
	t.Helper()
	var all []Info
	for v, err := range s.List(t.Context(), did) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func TestList(t *testing.T) {
	s, clock := newMemorySessions(t)
	tokens := create(t, s, alice, ScopeAppPass, "phone")
	create(t, s, bob, ScopeAccess, "")
	clock.advance(time.Hour)
	refresh(t, s, tokens.Refresh)
	want := []Info{{
		DID: alice, Scope: ScopeAppPass, AppPassword: "phone", CreatedAt: start, RefreshedAt: start.Add(time.Hour),
		ExpiresAt: start.Add(time.Hour).AddDate(0, 0, 90),
	}}
	if diff := cmp.Diff(want, list(t, s, alice), cmpopts.IgnoreFields(Info{}, "ID")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	clock.advance(90 * 24 * time.Hour)
	if got := list(t, s, alice); got != nil {
		t.Errorf("expired sessions are listed: %v", got)
	}
}

// Nobody has no sessions to list or revoke, whoever else has some.
func TestSessionsOfNobody(t *testing.T) {
	s, _ := newMemorySessions(t)
	tokens := create(t, s, alice, ScopeAppPass, "phone")
	if got := list(t, s, ""); got != nil {
		t.Errorf("the list: %+v", got)
	}
	if err := errors.Join(
		s.RevokeAll(t.Context(), ""),
		s.RevokeAppPassword(t.Context(), "", "phone"),
		s.RevokeSession(t.Context(), "", list(t, s, alice)[0].ID),
	); err != nil {
		t.Error(err)
	}
	refresh(t, s, tokens.Refresh)
}

func TestRevoke(t *testing.T) {
	s, clock := newMemorySessions(t)
	first, other := create(t, s, alice, ScopeAccess, ""), create(t, s, alice, ScopeAccess, "")
	second := refresh(t, s, first.Refresh)
	clock.advance(100 * 24 * time.Hour)
	for range 2 { // the second time, there is nothing left
		if err := s.Revoke(t.Context(), first.Refresh); err != nil {
			t.Fatalf("a used and expired token doesn't end its session: %v", err)
		}
	}
	clock.now = start
	mustBeRevoked(t, s, second.Refresh)
	refresh(t, s, other.Refresh)

	if err := s.Revoke(t.Context(), other.Access); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("access token: got %v, want ErrInvalidToken", err)
	}
}

func TestRevokeSession(t *testing.T) {
	s, _ := newMemorySessions(t)
	tokens := create(t, s, alice, ScopeAccess, "")
	id := list(t, s, alice)[0].ID
	if err := s.RevokeSession(t.Context(), bob, id); err != nil {
		t.Fatal(err)
	}
	tokens = refresh(t, s, tokens.Refresh)
	if err := s.RevokeSession(t.Context(), alice, id); err != nil {
		t.Fatal(err)
	}
	mustBeRevoked(t, s, tokens.Refresh)
}

func TestRevokeAppPassword(t *testing.T) {
	s, _ := newMemorySessions(t)
	own := create(t, s, alice, ScopeAccess, "")
	phone := create(t, s, alice, ScopeAppPass, "phone")
	tablet := create(t, s, alice, ScopeAppPassPrivileged, "tablet")
	for _, name := range []string{"phone", "", "unknown"} {
		if err := s.RevokeAppPassword(t.Context(), alice, name); err != nil {
			t.Fatal(err)
		}
	}
	mustBeRevoked(t, s, phone.Refresh)
	refresh(t, s, own.Refresh)
	refresh(t, s, tablet.Refresh)
}

func TestRevokeAll(t *testing.T) {
	s, _ := newMemorySessions(t)
	first, second := create(t, s, alice, ScopeAccess, ""), create(t, s, alice, ScopeAppPass, "phone")
	others := create(t, s, bob, ScopeAccess, "")
	if err := s.RevokeAll(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	mustBeRevoked(t, s, first.Refresh)
	mustBeRevoked(t, s, second.Refresh)
	if _, did, err := s.Refresh(t.Context(), others.Refresh); err != nil || did != bob {
		t.Errorf("bob's session: %v, %v", did, err)
	}
}
