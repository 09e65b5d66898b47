package session

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pdskit/pdskit/auth"
)

// The reference server's client holds b, which was refreshed from a an hour ago.
func TestImport(t *testing.T) {
	s, clock := newMemorySessions(t)
	a, b := newTokenID(), newTokenID()
	token := func(jti string) string {
		return forge(t, typeRefresh, func(m jwt.MapClaims) { m["jti"], m["exp"] = jti, start.AddDate(0, 0, 89).Unix() })
	}
	rotatedAt := start.Add(-time.Hour)
	rows := []ReferenceToken{
		{ID: a, DID: alice, ExpiresAt: rotatedAt.Add(2 * time.Hour), NextID: b, AppPassword: "phone", Privileged: true},
		{ID: b, DID: alice, ExpiresAt: rotatedAt.AddDate(0, 0, 90), AppPassword: "phone", Privileged: true},
	}
	for range 2 {
		for _, row := range rows {
			if err := s.Import(t.Context(), row); err != nil {
				t.Fatal(err)
			}
		}
	}

	replayed := refresh(t, s, token(a))
	c, err := s.parse(replayed.Refresh)
	if err != nil || c.jti != b || c.expires != rotatedAt.AddDate(0, 0, 90).Unix() {
		t.Errorf("a replay of the used token got %+v, %v, want its successor", c, err)
	}
	next := refresh(t, s, token(b))
	if c, err := s.Verify(next.Access); err != nil || c.Kind != auth.KindPrivilegedAppPassword {
		t.Errorf("got %+v, %v", c, err)
	}
	refresh(t, s, next.Refresh)

	clock.advance(time.Hour)
	if got := list(t, s, alice); len(got) != 1 {
		t.Errorf("after the grace period: got %d sessions, want 1", len(got))
	}
	mustBeRevoked(t, s, token(a))
	clock.advance(2 * time.Hour)
	mustBeRevoked(t, s, token(b))
}

// What the reference server had shortened stays short, whatever the token itself says.
func TestImportKeepsExpiry(t *testing.T) {
	s, clock := newMemorySessions(t)
	row := ReferenceToken{ID: newTokenID(), DID: alice, ExpiresAt: start.Add(time.Minute)}
	if err := s.Import(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	clock.advance(time.Minute)
	mustBeRevoked(t, s, forge(t, typeRefresh, func(m jwt.MapClaims) { m["jti"] = row.ID }))
}

func TestImportScopes(t *testing.T) {
	for want, row := range map[string]ReferenceToken{
		ScopeAccess:            {Privileged: true},
		ScopeAppPass:           {AppPassword: "phone"},
		ScopeAppPassPrivileged: {AppPassword: "phone", Privileged: true},
	} {
		s, _ := newMemorySessions(t)
		row.ID, row.DID, row.ExpiresAt = newTokenID(), alice, start.Add(time.Hour)
		if err := s.Import(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		got := list(t, s, alice)
		if len(got) != 1 || got[0].Scope != want || got[0].AppPassword != row.AppPassword || !got[0].ExpiresAt.Equal(row.ExpiresAt) {
			t.Errorf("%s: got %+v", want, got)
		}
	}
}

func TestImportSkipsAndRefuses(t *testing.T) {
	s, _ := newMemorySessions(t)
	if err := s.Import(t.Context(), ReferenceToken{ID: newTokenID(), DID: alice, ExpiresAt: start}); err != nil {
		t.Errorf("an expired row: %v", err)
	}
	if got := list(t, s, alice); got != nil {
		t.Errorf("an expired row was imported: %v", got)
	}
	if err := s.Import(t.Context(), ReferenceToken{ID: "x", DID: alice, ExpiresAt: start.Add(time.Hour)}); err == nil {
		t.Error("a malformed ID was imported")
	}
}
