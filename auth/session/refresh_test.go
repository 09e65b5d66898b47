package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

func mustBeRevoked(t *testing.T, s *Issuer, token string) {
	t.Helper()
	if _, _, err := s.Refresh(t.Context(), token); !errors.Is(err, ErrRevokedToken) {
		t.Errorf("got error %v, want ErrRevokedToken", err)
	}
}

func TestRefreshRotates(t *testing.T) {
	s, clock := newMemorySessions(t)
	tokens := create(t, s, alice, ScopeAppPass, "phone")
	for range 5 {
		clock.advance(80 * 24 * time.Hour)
		next := refresh(t, s, tokens.Refresh)
		if next.Refresh == tokens.Refresh {
			t.Fatal("the refresh token is the same as before")
		}
		if c, err := s.Verify(next.Access); err != nil || c.Kind != auth.KindAppPassword {
			t.Fatalf("the new access token: %+v, %v", c, err)
		}
		tokens = next
	}
	clock.advance(90 * 24 * time.Hour)
	if _, _, err := s.Refresh(t.Context(), tokens.Refresh); !errors.Is(err, auth.ErrExpiredToken) || errors.Is(err, ErrRevokedToken) {
		t.Errorf("after 90 days: got %v, want ErrExpiredToken", err)
	}
}

func TestRefreshGrace(t *testing.T) {
	s, clock := newMemorySessions(t)
	first := create(t, s, alice, ScopeAccess, "")
	second := refresh(t, s, first.Refresh)

	clock.advance(2*time.Hour - time.Second)
	if again := refresh(t, s, first.Refresh); again.Refresh != second.Refresh {
		t.Error("a replay within the grace period got another successor")
	}
	third := refresh(t, s, second.Refresh)
	if again := refresh(t, s, first.Refresh); again.Refresh != third.Refresh {
		t.Error("a replay within the grace period didn't get the newest token")
	}

	clock.advance(time.Second)
	mustBeRevoked(t, s, first.Refresh)
	mustBeRevoked(t, s, second.Refresh)
	mustBeRevoked(t, s, third.Refresh) // the whole session has ended
}

func TestReuseEndsNoOtherSession(t *testing.T) {
	s, clock := newMemorySessions(t)
	first, other := create(t, s, alice, ScopeAccess, ""), create(t, s, alice, ScopeAccess, "")
	refresh(t, s, first.Refresh)
	clock.advance(3 * time.Hour)
	mustBeRevoked(t, s, first.Refresh)
	refresh(t, s, other.Refresh)
}

func TestRefreshRace(t *testing.T) {
	s, _ := newMemorySessions(t)
	first := create(t, s, alice, ScopeAccess, "")
	const n = 16
	var got [n]string
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			tokens, _, err := s.Refresh(t.Context(), first.Refresh)
			if err != nil {
				t.Error(err)
			}
			got[i] = tokens.Refresh
		})
	}
	wg.Wait()
	for _, token := range got {
		if token != got[0] {
			t.Fatal("simultaneous refreshes got different successors")
		}
	}
}

// A refresh that loses the compare-and-swap looks again, and gets what the winner got.
func TestRefreshLosesRace(t *testing.T) {
	store := memory.New()
	winner, _ := newSessions(t, store)
	first := create(t, winner, alice, ScopeAccess, "")
	overtaken := &overtaken{Documents: store}
	loser, _ := newSessions(t, overtaken)
	var won Tokens
	overtaken.by = func() { won = refresh(t, winner, first.Refresh) }
	if lost := refresh(t, loser, first.Refresh); lost.Refresh != won.Refresh {
		t.Error("the loser got another successor")
	}
}

// overtaken is a store in which something happens before the first swap.
type overtaken struct {
	storage.Documents
	by func()
}

func (o *overtaken) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	if by := o.by; by != nil {
		o.by = nil
		by()
	}
	return o.Documents.SwapDocument(ctx, old, new)
}

// Many refreshes in the grace period leave a row of bounded size.
func TestRefreshForgets(t *testing.T) {
	store := memory.New()
	s, clock := newSessions(t, store)
	oldest := create(t, s, alice, ScopeAccess, "")
	tokens := oldest
	sizes := make(map[int]bool)
	for i := range 3 * maxUsed {
		clock.advance(time.Second)
		tokens = refresh(t, s, tokens.Refresh)
		for row, err := range store.ListDocuments(t.Context(), storage.DocumentRange{Kind: kindSession, Owner: alice}) {
			if err != nil {
				t.Fatal(err)
			}
			if i > maxUsed {
				sizes[len(row.Value)] = true
			}
		}
	}
	if len(sizes) != 1 {
		t.Errorf("the row's size still changes after %d refreshes: %v", maxUsed, sizes)
	}
	clock.advance(3 * time.Hour)
	refresh(t, s, tokens.Refresh)
	for row := range store.ListDocuments(t.Context(), storage.DocumentRange{Kind: kindSession, Owner: alice}) {
		if v, err := parseSession(row); err != nil || len(v.Used) != 1 {
			t.Errorf("got %d used tokens, %v, want 1", len(v.Used), err)
		}
	}
	mustBeRevoked(t, s, oldest.Refresh) // forgotten, but not unused
}

func TestRefreshRefuses(t *testing.T) {
	s, _ := newMemorySessions(t)
	tokens := create(t, s, alice, ScopeAccess, "")
	set := func(k string, v any) func(jwt.MapClaims) { return func(m jwt.MapClaims) { m[k] = v } }
	tests := []struct {
		name, token string
		want        *auth.Error
		message     string
	}{
		{"access token", tokens.Access, auth.ErrInvalidToken, "Token could not be verified"},
		{"expired access token", forge(t, typeAccess, set("exp", 1)), auth.ErrInvalidToken, "Token could not be verified"},
		{"garbage", "garbage", auth.ErrInvalidToken, "Token could not be verified"},
		{"another audience", forge(t, typeRefresh, set("aud", "did:web:x.example.com")), auth.ErrInvalidToken, "Token could not be verified"},
		{"no ID", forge(t, typeRefresh, func(m jwt.MapClaims) { delete(m, "jti") }), ErrMissingTokenID, "Unexpected missing refresh token id"},
		{"odd ID", forge(t, typeRefresh, set("jti", "abc")), auth.ErrInvalidToken, "Malformed token"},
		{"padded ID", forge(t, typeRefresh, set("jti", newTokenID()+"=")), auth.ErrInvalidToken, "Malformed token"},
		{"access scope", forge(t, typeRefresh, set("scope", ScopeAccess)), auth.ErrInvalidToken, "Bad token scope"},
		{"expired", forge(t, typeRefresh, set("exp", 1)), auth.ErrExpiredToken, "Token has expired"},
		{"never stored", forge(t, typeRefresh, nil), ErrRevokedToken, "Token has been revoked"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, did, err := s.Refresh(t.Context(), test.token)
			var e *auth.Error
			if !errors.Is(err, test.want) || !errors.As(err, &e) || e.Message != test.message || did != "" {
				t.Errorf("got %q, %v, want %v with %q", did, err, test.want, test.message)
			}
		})
	}
}

// A token whose ID belongs to another account's session refreshes nothing. Only somebody with the secret can make one.
func TestRefreshOfAnotherAccount(t *testing.T) {
	s, _ := newMemorySessions(t)
	c, err := s.parse(create(t, s, alice, ScopeAccess, "").Refresh)
	if err != nil {
		t.Fatal(err)
	}
	mustBeRevoked(t, s, forge(t, typeRefresh, func(m jwt.MapClaims) { m["sub"], m["jti"] = bob, c.jti }))
}

var errLost = errors.New("connection lost")

// faulty is a store whose swaps fail: before they're applied, or after.
type faulty struct {
	storage.Documents
	before, after error
}

func (f *faulty) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	if f.before != nil {
		return f.before
	}
	if err := f.Documents.SwapDocument(ctx, old, new); err != nil {
		return err
	}
	return f.after
}

// The client whose refresh failed, or who never got the answer, can try again.
func TestRefreshFaults(t *testing.T) {
	for name, f := range map[string]*faulty{
		"not applied":             {before: errLost},
		"applied but reported so": {after: errLost},
		"conflict without end":    {before: fmt.Errorf("wrapped: %w", storage.ErrConflict)},
	} {
		t.Run(name, func(t *testing.T) {
			f.Documents = memory.New()
			s, _ := newSessions(t, f)
			first := create(t, s, alice, ScopeAccess, "")
			_, _, err := s.Refresh(t.Context(), first.Refresh)
			var e *auth.Error
			if err == nil || errors.As(err, &e) {
				t.Fatalf("got %v, want an error that is none of the client's", err)
			}
			*f = faulty{Documents: f.Documents}
			second := refresh(t, s, first.Refresh)
			if again := refresh(t, s, first.Refresh); again.Refresh != second.Refresh {
				t.Error("two successors")
			}
		})
	}
}

// A session that is revoked while it is refreshed stays revoked.
func TestRefreshMeetsRevocation(t *testing.T) {
	f := &faulty{Documents: memory.New(), before: storage.ErrNotFound}
	s, _ := newSessions(t, f)
	mustBeRevoked(t, s, create(t, s, alice, ScopeAccess, "").Refresh)
}
