package session

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// down is a store that is out of reach.
type down struct{ storage.Documents }

func (down) PutDocument(context.Context, storage.NewDocument) error       { return errLost }
func (down) DeleteDocuments(context.Context, syntax.DID, ...string) error { return errLost }
func (down) Document(context.Context, string, string) (storage.Document, error) {
	return storage.Document{}, errLost
}
func (down) TakeDocument(context.Context, string, string) (storage.Document, error) {
	return storage.Document{}, errLost
}
func (down) ListDocuments(context.Context, storage.DocumentRange) iter.Seq2[storage.Document, error] {
	return func(yield func(storage.Document, error) bool) { yield(storage.Document{}, errLost) }
}

// A failure of storage reaches the caller as what it is, and never as an *auth.Error, which would
// end the client's session.
func TestStorageFailure(t *testing.T) {
	store := memory.New()
	working, clock := newSessions(t, store)
	first := create(t, working, alice, ScopeAppPass, "phone")
	broken, _ := newSessions(t, down{store})
	ctx := t.Context()
	_, createErr := broken.Create(ctx, alice, ScopeAccess, "")
	_, _, refreshErr := broken.Refresh(ctx, first.Refresh)
	var listErr error
	for _, err := range broken.List(ctx, alice) {
		listErr = err
	}
	for name, err := range map[string]error{
		"Create":            createErr,
		"Refresh":           refreshErr,
		"List":              listErr,
		"Revoke":            broken.Revoke(ctx, first.Refresh),
		"RevokeSession":     broken.RevokeSession(ctx, alice, "x"),
		"RevokeAppPassword": broken.RevokeAppPassword(ctx, alice, "phone"),
		"RevokeAll":         broken.RevokeAll(ctx, alice),
		"Import":            broken.Import(ctx, ReferenceToken{ID: newTokenID(), DID: alice, ExpiresAt: start.Add(time.Hour)}),
	} {
		var e *auth.Error
		if !errors.Is(err, errLost) || errors.As(err, &e) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// Verify needs no storage.
	if _, err := broken.Verify(first.Access); err != nil {
		t.Errorf("Verify: %v", err)
	}

	// The end of a session whose used token has turned up isn't claimed before it's done.
	refresh(t, working, first.Refresh)
	clock.advance(3 * time.Hour)
	half, _ := newSessions(t, &cannotTake{store})
	half.now = clock.Now
	if _, _, err := half.Refresh(ctx, first.Refresh); !errors.Is(err, errLost) {
		t.Errorf("reuse: got %v, want the store's error", err)
	}
	mustBeRevoked(t, working, first.Refresh)
}

// cannotTake is a store that removes nothing.
type cannotTake struct{ storage.Documents }

func (cannotTake) TakeDocument(context.Context, string, string) (storage.Document, error) {
	return storage.Document{}, errLost
}

func TestCorruptSession(t *testing.T) {
	store := memory.New()
	s, _ := newSessions(t, store)
	tokens := create(t, s, alice, ScopeAccess, "")
	for row, err := range store.ListDocuments(t.Context(), storage.DocumentRange{Kind: kindSession, Owner: alice}) {
		if err != nil {
			t.Fatal(err)
		}
		broken := row
		broken.Value = []byte("{")
		if err := store.SwapDocument(t.Context(), row, storage.NewDocument{Document: broken}); err != nil {
			t.Fatal(err)
		}
	}
	var e *auth.Error
	if _, _, err := s.Refresh(t.Context(), tokens.Refresh); err == nil || errors.As(err, &e) {
		t.Errorf("Refresh: got %v", err)
	}
	for _, err := range s.List(t.Context(), alice) {
		if err == nil {
			t.Error("List shows a corrupt session")
		}
	}
	if err := s.Revoke(t.Context(), tokens.Refresh); err != nil {
		t.Errorf("a corrupt session can't be revoked: %v", err)
	}
}

func TestLifetimes(t *testing.T) {
	c := &clock{now: start}
	s, err := New(Config{
		Store: memory.New(), Secret: []byte(secret), Audience: audience, Now: c.Now,
		AccessLifetime: time.Minute, RefreshLifetime: time.Hour, Grace: 10 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	first := create(t, s, alice, ScopeAccess, "")
	second := refresh(t, s, first.Refresh)
	c.advance(time.Minute)
	if _, err := s.Verify(first.Access); !errors.Is(err, auth.ErrExpiredToken) {
		t.Errorf("access token after its lifetime: got %v", err)
	}
	c.advance(8 * time.Minute)
	refresh(t, s, first.Refresh)
	c.advance(50 * time.Minute)
	refresh(t, s, second.Refresh)
	c.advance(time.Minute)
	if _, _, err := s.Refresh(t.Context(), second.Refresh); !errors.Is(err, auth.ErrExpiredToken) || errors.Is(err, ErrRevokedToken) {
		t.Errorf("refresh token after its lifetime: got %v", err)
	}
}
