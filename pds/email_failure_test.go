package pds_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/storage"
)

// A letter that can't be sent leaves things as they were: no code that nobody knows, and those before it good.
func TestMailerFails(t *testing.T) {
	each(t, func(t *testing.T, p postOffice, alice, _ addressee, ask, use string) {
		code := alice.ask(t, ask)
		p.pdstest.Faults.Mail(true)
		if ask == "requestPasswordReset" {
			alice.post(t, server+ask, map[string]any{"email": alice.address}).decode(t, nil)
			p.WaitForLetters()
		} else {
			alice.post(t, server+ask, nil).refused(t, 500, "InternalServerError", "")
		}
		p.pdstest.Faults.Mail(false)
		if n := p.codes(t, alice.did); n != 1 {
			t.Errorf("%d codes are stored", n)
		}
		alice.use(t, use, code).decode(t, nil)
	})
}

// Without a mailer nothing fails, and nothing comes.
func TestNoMailer(t *testing.T) {
	p := startPost(t, func(c *pds.Config) { c.Mailer = nil })
	alice := p.account(t, "alice")
	if _, err := p.config.Store.UpdateAccount(t.Context(), alice.did, func(a *storage.Account) error {
		a.EmailConfirmedAt = pdstest.Start
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, l := range letters {
		alice.post(t, server+l.ask, map[string]any{"email": alice.address}).decode(t, nil)
	}
	p.WaitForLetters()
	if n := p.codes(t, alice.did); n != 0 {
		t.Errorf("%d codes are stored that nobody knows", n)
	}
}

func TestNoAddress(t *testing.T) {
	p := startPost(t)
	did, err := p.CreateAccount(t.Context(), pds.NewAccount{Handle: "alice.test"})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := p.SignIn(t.Context(), did)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range letters[1:] {
		p.post(t, tokens.Access, server+l.ask, nil).refused(t, 400, "InvalidRequest", "does not have an email address")
	}
	p.post(t, tokens.Access, server+"confirmEmail", map[string]any{"email": " ", "token": "x"}).refused(t, 400, "InvalidEmail", "")
	p.post(t, tokens.Access, server+"updateEmail", map[string]any{"email": "alice@example.com"}).decode(t, nil)
}

// Who may ask for letters to their own address, beside those who have logged in with the account's password.
func TestEmailCallers(t *testing.T) {
	caller := auth.Caller{}
	p := startPost(t, func(c *pds.Config) {
		c.Authenticators = auth.Schemes{"Test": auth.AuthenticatorFunc(func(*http.Request, auth.Credentials) (auth.Caller, error) { return caller, nil })}
	})
	alice := p.account(t, "alice")
	methods := []string{"requestEmailConfirmation", "confirmEmail", "requestEmailUpdate", "updateEmail", "requestAccountDelete"}
	for _, test := range []struct {
		kind  auth.Kind
		scope auth.Scope
		want  string // the errors of the methods; "" for a success
	}{
		{auth.KindAppPassword, "", ",InvalidToken,InvalidToken,InvalidToken,InvalidToken"},
		{auth.KindOAuth, "atproto account:email?action=manage", ",InvalidToken,Forbidden,Forbidden,Forbidden"},
		{auth.KindOAuth, "atproto account:email", "ScopeMissingError,ScopeMissingError,Forbidden,Forbidden,Forbidden"},
		{auth.KindTakendown, "", "InvalidToken,InvalidToken,InvalidToken,InvalidToken,InvalidToken"},
		{auth.KindAnonymous, "", "AuthMissing,AuthMissing,AuthMissing,AuthMissing,AuthMissing"},
	} {
		caller = auth.Caller{Kind: test.kind, Scope: test.scope}
		if test.kind != auth.KindAnonymous {
			caller.DID = alice.did
		}
		var got []string
		for _, m := range methods {
			in, err := json.Marshal(map[string]any{"email": alice.address, "token": "x"})
			if err != nil {
				t.Fatal(err)
			}
			r := p.doAs(t, "POST", "/xrpc/"+server+m, "Test x", "application/json", strings.NewReader(string(in)))
			got = append(got, r.name())
		}
		if s := strings.Join(got, ","); s != test.want {
			t.Errorf("%s %q: %s, want %s", test.kind, test.scope, s, test.want)
		}
	}
	p.takedown(t, map[string]any{"$type": "com.atproto.admin.defs#repoRef", "did": alice.did}, true)
	for _, m := range methods {
		alice.use(t, m, "x").refused(t, 401, "AccountTakedown", "")
	}
	p.config.Store.DeleteAccount(t.Context(), alice.did)
	for _, m := range methods {
		alice.use(t, m, "x").refused(t, 403, "AccountNotFound", "")
	}
}
