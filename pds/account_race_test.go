package pds_test

import (
	"testing"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
)

// TestLoginDuringReset: a new password ends the sessions of those who knew the old one, that of a login under way too.
func TestLoginDuringReset(t *testing.T) {
	store := &meddling{}
	p := startPost(t, func(c *pds.Config) { store.Store, c.Store = c.Store, store })
	alice := p.account(t, "alice")
	code := alice.ask(t, "requestPasswordReset")
	store.once("PutToken", "session", func() error {
		p.post(t, "", server+"resetPassword", map[string]any{"token": code, "password": "new"}).decode(t, nil)
		return nil
	})
	p.logIn(t, "alice.test", pdstest.Password).refused(t, 401, "AuthenticationRequired", "")
	for s, err := range store.ListTokens(t.Context(), "session", alice.did) {
		t.Errorf("a session is left: %+v, %v", s, err)
	}
	p.logIn(t, "alice.test", "new").decode(t, nil)
}
