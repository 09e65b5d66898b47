package pds_test

import (
	"errors"
	"testing"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// TestLoginDuringReset: a new password ends the sessions of those who knew the old one, that of a login under way too.
func TestLoginDuringReset(t *testing.T) {
	store := &meddling{}
	p := startPost(t, func(c *pds.Config) { store.Store, c.Store = c.Store, store })
	alice := p.account(t, "alice")
	code := alice.ask(t, "requestPasswordReset")
	store.once("PutDocument", "session", func() error {
		p.post(t, "", server+"resetPassword", map[string]any{"token": code, "password": "new"}).decode(t, nil)
		return nil
	})
	p.logIn(t, "alice.test", pdstest.Password).refused(t, 401, "AuthenticationRequired", "")
	for s, err := range store.ListDocuments(t.Context(), storage.DocumentRange{Kind: "session", Owner: alice.did}) {
		t.Errorf("a session is left: %+v, %v", s, err)
	}
	p.logIn(t, "alice.test", "new").decode(t, nil)
}

// TestHostAccountsRace: two users who choose the same handle at the same moment don't share one account.
func TestHostAccountsRace(t *testing.T) {
	w, store := startMeddling(t)
	got := 0
	create := func() {
		_, err := w.CreateAccount(t.Context(), pds.NewAccount{Handle: "wanted.test"})
		var taken *xrpc.Error
		if err == nil {
			got++
		} else if !errors.As(err, &taken) || taken.Name != "HandleNotAvailable" {
			t.Error(err)
		}
	}
	store.once("TakeDocument", "signup-handle", func() error {
		create()
		return nil
	})
	create()
	if got != 1 {
		t.Errorf("%d users got the account", got)
	}
}

// TestHandleChangedTwice: of two changes at the same moment the account and its identity end up with the same one.
func TestHandleChangedTwice(t *testing.T) {
	w, store := startMeddling(t)
	alice := w.signUp(t, "alice")
	update := func(handle string) *response {
		return alice.post(t, "com.atproto.identity.updateHandle", map[string]any{"handle": handle})
	}
	store.once("UpdateAccount", "", func() error {
		update("second.test").decode(t, nil)
		return nil
	})
	update("first.test").decode(t, nil)
	var session struct {
		Handle string
		DIDDoc struct{ AlsoKnownAs []string }
	}
	alice.get(t, "com.atproto.server.getSession").decode(t, &session)
	if got := session.DIDDoc.AlsoKnownAs; len(got) != 1 || got[0] != "at://"+session.Handle {
		t.Errorf("%s is known as %s", session.Handle, got)
	}
}
