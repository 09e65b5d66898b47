package pds_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/storage/storagetest"
)

func TestResetPassword(t *testing.T) {
	p := startPost(t)
	alice := p.account(t, "alice")
	var session struct{ RefreshJWT string }
	p.logIn(t, "alice.test", pdstest.Password).decode(t, &session)
	reset := func(code, password string) *response {
		return p.post(t, "", server+"resetPassword", map[string]any{"token": code, "password": password})
	}
	p.post(t, "", server+"requestPasswordReset", map[string]any{"email": "Alice@EXAMPLE.com"}).decode(t, nil)
	code := p.MailBox.Wait(t, alice.address).Token
	reset(code, strings.Repeat("x", 257)).refused(t, 400, "InvalidRequest", "1 to 256")
	reset(code, strings.Repeat("é", 256)).decode(t, nil)
	p.logIn(t, "alice.test", pdstest.Password).refused(t, 401, "AuthenticationRequired", "")
	p.logIn(t, alice.address, strings.Repeat("é", 256)).decode(t, nil)
	p.post(t, session.RefreshJWT, server+"refreshSession", nil).refused(t, 400, "ExpiredToken", "revoked")

	alice.post(t, server+"deactivateAccount", map[string]any{}).decode(t, nil)
	reset(alice.ask(t, "requestPasswordReset"), "deactivated").decode(t, nil)
	p.logIn(t, "alice.test", "deactivated").decode(t, nil)
	p.takedown(t, map[string]any{"$type": "com.atproto.admin.defs#repoRef", "did": alice.did}, true)
	reset(alice.ask(t, "requestPasswordReset"), "taken down").decode(t, nil)
	p.logIn(t, "alice.test", "taken down").refused(t, 401, "AccountTakedown", "")
}

// A request for a new password is answered in the same way, and after the same steps, whether there is an account or not.
func TestResetPasswordTellsNothing(t *testing.T) {
	sent, hold := make(chan pds.Mail), make(chan struct{})
	p := startPost(t, func(c *pds.Config) {
		c.Mailer = pds.MailerFunc(func(_ context.Context, m pds.Mail) error {
			sent <- m
			<-hold
			panic("the mailer is broken")
		})
	})
	p.account(t, "alice")
	var answers []string
	for _, address := range []string{"alice@example.com", "nobody@example.com", "not an address", strings.Repeat("a", 10000)} {
		r := p.post(t, "", server+"requestPasswordReset", map[string]any{"email": address})
		r.header.Del("Date")
		answers = append(answers, fmt.Sprint(r, r.header))
	}
	for _, a := range answers {
		if a != answers[0] || !strings.HasPrefix(a, "200 ") {
			t.Errorf("the answers are %q", answers)
		}
	}
	if m := <-sent; m.To != "alice@example.com" {
		t.Errorf("%v is sent", m)
	}
	close(hold)
	p.WaitForLetters() // the panic hurts nobody
}

func TestConfirmEmail(t *testing.T) {
	p := startPost(t)
	alice := p.account(t, "alice")
	confirmed := func() (got [2]bool) {
		for i, r := range []*response{alice.get(t, server+"getSession"), p.logIn(t, "alice.test", pdstest.Password)} {
			var session struct{ EmailConfirmed bool }
			r.decode(t, &session)
			got[i] = session.EmailConfirmed
		}
		return got
	}
	if confirmed() != [2]bool{} {
		t.Error("an address is confirmed that nobody has confirmed")
	}
	code := alice.ask(t, "requestEmailConfirmation")
	confirm := func(address string) *response {
		return alice.post(t, server+"confirmEmail", map[string]any{"email": address, "token": code})
	}
	confirm("bob@example.com").refused(t, 400, "InvalidEmail", "")
	confirm("ALICE@example.com").decode(t, nil)
	if confirmed() != [2]bool{true, true} {
		t.Error("the address isn't confirmed")
	}
}

func TestUpdateEmail(t *testing.T) {
	p := startPost(t)
	alice := p.account(t, "alice")
	p.account(t, "bobby")
	update := func(address, code string) *response {
		in := map[string]any{"email": address}
		if code != "" {
			in["token"] = code
		}
		return alice.post(t, server+"updateEmail", in)
	}
	var asked struct{ TokenRequired bool }
	alice.post(t, server+"requestEmailUpdate", nil).decode(t, &asked)
	if asked.TokenRequired || len(p.MailBox.All()) > 0 {
		t.Error("an address that isn't confirmed takes a code to change")
	}
	reset := alice.ask(t, "requestPasswordReset")
	for _, address := range []string{"alice", "Alice <alice@example.com>", "a@b", "a@example.com\r\nBcc: b@example.com"} {
		update(address, "").refused(t, 400, "InvalidRequest", "not supported")
	}
	update("bobby@example.com", "").refused(t, 400, "InvalidRequest", "taken")
	update("Second@example.com", "").decode(t, nil)
	p.post(t, "", server+"resetPassword", map[string]any{"token": reset, "password": "x"}).refused(t, 400, "InvalidToken", "")

	alice.address = "second@example.com"
	alice.confirm(t)
	alice.post(t, server+"requestEmailUpdate", nil).decode(t, &asked)
	if !asked.TokenRequired {
		t.Error("an address that is confirmed takes no code to change")
	}
	code := p.MailBox.Wait(t, alice.address).Token
	update("third@example.com", "").refused(t, 400, "TokenRequired", "")
	update("bobby@example.com", code).refused(t, 400, "InvalidRequest", "taken")
	update("third@example.com", code).decode(t, nil)
	var session struct {
		Email          string
		EmailConfirmed *bool
	}
	alice.get(t, server+"getSession").decode(t, &session)
	if session.Email != "third@example.com" || session.EmailConfirmed == nil || *session.EmailConfirmed {
		t.Errorf("the session says %+v", session)
	}
	p.logIn(t, "third@example.com", pdstest.Password).decode(t, nil)
	p.logIn(t, "second@example.com", pdstest.Password).refused(t, 401, "AuthenticationRequired", "")
}

// Of accounts that want an address at the same moment exactly one gets it, and none one that a sign-up has reserved.
func TestUpdateEmailRace(t *testing.T) {
	p := startPost(t)
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 4 {
		a := p.account(t, fmt.Sprint("user", i))
		wg.Go(func() {
			r := a.post(t, server+"updateEmail", map[string]any{"email": "wanted@example.com"})
			if r.status == 200 {
				won.Add(1)
			} else if r.name() != "InvalidRequest" || !strings.Contains(r.String(), "taken") {
				t.Errorf("a loser got %s", r)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d accounts got it", won.Load())
	}

	alice := p.account(t, "alice")
	p.pdstest.Faults.PLCDown(true)
	p.post(t, "", server+"createAccount", signUpInput("carol")).refused(t, 502, "UpstreamFailure", "")
	alice.post(t, server+"updateEmail", map[string]any{"email": "carol@example.com"}).refused(t, 400, "InvalidRequest", "taken")
	p.pdstest.Faults.PLCDown(false)
	p.post(t, "", server+"createAccount", signUpInput("carol")).decode(t, nil)
}

func TestDeleteOwnAccount(t *testing.T) {
	p := startPost(t)
	alice := p.account(t, "alice")
	alice.create(t, "one")
	code := alice.ask(t, "requestAccountDelete")
	remove := func(did, password string) *response {
		return p.post(t, "", server+"deleteAccount", map[string]any{"did": did, "password": password, "token": code})
	}
	remove(alice.did.String(), "another").refused(t, 401, "AuthenticationRequired", "Invalid did or password")
	remove(alice.did.String(), strings.Repeat("x", 513)).refused(t, 401, "AuthenticationRequired", "too long")
	remove("did:web:nobody.example.com", pdstest.Password).refused(t, 400, "InvalidRequest", "account not found")
	remove("alice.test", pdstest.Password).refused(t, 400, "InvalidRequest", "did")
	p.pdstest.Faults.Writes(func(method string) storagetest.Fault {
		if method == "DeleteAccount" {
			return storagetest.Lost
		}
		return storagetest.NoFault
	})
	remove(alice.did.String(), pdstest.Password).refused(t, 500, "InternalServerError", "")
	p.pdstest.Faults.Writes(nil)
	alice.create(t, "two")
	remove(alice.did.String(), pdstest.Password).decode(t, nil)
	p.get(t, "", "com.atproto.sync.getRepo", "did", alice.did.String()).refused(t, 400, "RepoNotFound", "")
	kinds, _ := p.since(t, 0)
	if kinds != "#account" {
		t.Errorf("the log has %s", kinds)
	}
	p.account(t, "alice")
}
