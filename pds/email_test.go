package pds_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/storagetest"
)

const server = "com.atproto.server."

// postOffice is a world with a mail box.
type postOffice struct {
	*world
	*pdstest.MailBox
	pdstest *pdstest.PDS
}

func startPost(t *testing.T, changes ...func(*pds.Config)) postOffice {
	t.Helper()
	p := pdstest.New(t, changes...)
	return postOffice{&world{Server: p.Server, config: p.Config, url: p.URL}, p.Mail, p}
}

// addressee is somebody with an account and an address.
type addressee struct {
	*user
	address string
	p       postOffice
}

func (p postOffice) account(t *testing.T, name string) addressee {
	t.Helper()
	a := p.pdstest.Account(t, name)
	return addressee{&user{world: p.world, did: a.DID, access: a.Access}, a.Email, p}
}

// ask asks for a letter, and returns the code in it.
func (a addressee) ask(t *testing.T, method string) string {
	t.Helper()
	var in any
	if method == "requestPasswordReset" {
		in = map[string]any{"email": a.address}
	}
	a.user.post(t, server+method, in).decode(t, nil)
	return a.p.MailBox.Wait(t, a.address).Token
}

func (a addressee) confirm(t *testing.T) {
	t.Helper()
	code := a.ask(t, "requestEmailConfirmation")
	a.user.post(t, server+"confirmEmail", map[string]any{"email": a.address, "token": code}).decode(t, nil)
}

// use uses a code for what it may be good for.
func (a addressee) use(t *testing.T, method, code string) *response {
	t.Helper()
	return a.user.post(t, server+method, map[string]any{
		"token": code, "did": a.did, "password": pdstest.Password, // of deleteAccount, or the new one of resetPassword
		"email": map[bool]string{true: "new-" + a.address, false: a.address}[method == "updateEmail"],
	})
}

// codes counts the codes that are stored for an account.
func (p postOffice) codes(t *testing.T, did syntax.DID) (n int) {
	t.Helper()
	for _, purpose := range letters {
		for _, err := range p.config.Store.ListTokens(t.Context(), "email-"+string(purpose.kind), did) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	return n
}

// letters are the kinds of letters, with the methods that send them, and those that take their codes.
var letters = []struct {
	kind     pds.MailKind
	ask, use string
}{
	{pds.MailResetPassword, "requestPasswordReset", "resetPassword"},
	{pds.MailConfirmEmail, "requestEmailConfirmation", "confirmEmail"},
	{pds.MailUpdateEmail, "requestEmailUpdate", "updateEmail"},
	{pds.MailDeleteAccount, "requestAccountDelete", "deleteAccount"},
}

// each runs a test for each kind of letter, with accounts whose addresses are confirmed.
func each(t *testing.T, test func(t *testing.T, p postOffice, alice, bob addressee, ask, use string)) {
	for _, l := range letters {
		t.Run(string(l.kind), func(t *testing.T) {
			p := startPost(t)
			alice, bob := p.account(t, "alice"), p.account(t, "bobby")
			alice.confirm(t)
			bob.confirm(t)
			test(t, p, alice, bob, l.ask, l.use)
		})
	}
}

func TestLetters(t *testing.T) {
	p := startPost(t)
	alice := p.account(t, "alice")
	alice.confirm(t)
	form := regexp.MustCompile(`^[A-Z2-7]{5}-[A-Z2-7]{5}$`)
	for _, l := range letters {
		alice.ask(t, l.ask)
		all := p.MailBox.All()
		m := all[len(all)-1]
		if !form.MatchString(m.Token) || !strings.Contains(m.Text, "\n    "+m.Token+"\n") || !strings.Contains(m.Text, "@alice.test") ||
			!strings.Contains(m.Text, "12:15 UTC") || m.Subject == "" || strings.Contains(m.Subject, m.Token) {
			t.Errorf("%s is sent as %q: %q", m.Token, m.Subject, m.Text)
		}
		want := pds.Mail{
			To: alice.address, Kind: l.kind, DID: alice.did, Handle: "alice.test", ExpiresAt: pdstest.Start.Add(15 * time.Minute),
			Subject: m.Subject, Text: m.Text, Token: m.Token,
		}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info(fmt.Sprintf("%v %+v", m, &m), "letter", m)
		if strings.Contains(log.String(), m.Token) || !strings.Contains(log.String(), string(l.kind)+" to "+alice.address) {
			t.Errorf("it prints as %s", &log)
		}
	}
}

// A code is good once, for a quarter of an hour, for its owner and for what it was sent for.
func TestCodes(t *testing.T) {
	t.Run("once", func(t *testing.T) {
		each(t, func(t *testing.T, p postOffice, alice, _ addressee, ask, use string) {
			code := alice.ask(t, ask)
			alice.use(t, use, " "+strings.ToLower(code)+"\n").decode(t, nil)
			if use == "deleteAccount" {
				alice.use(t, use, code).refused(t, 400, "InvalidRequest", "account not found")
				return
			}
			if use == "updateEmail" {
				alice.address = "new-" + alice.address
			}
			alice.use(t, use, code).refused(t, 400, "InvalidToken", "")
			if n := p.codes(t, alice.did); n != 0 {
				t.Errorf("%d codes are left", n)
			}
		})
	})
	t.Run("until it expires", func(t *testing.T) {
		each(t, func(t *testing.T, p postOffice, alice, bob addressee, ask, use string) {
			code, other := alice.ask(t, ask), bob.ask(t, ask)
			p.pdstest.Clock.Advance(15 * time.Minute)
			alice.use(t, use, code).refused(t, 400, "ExpiredToken", "")
			p.pdstest.Clock.Advance(-time.Millisecond)
			alice.use(t, use, code).decode(t, nil)
			p.pdstest.Clock.Advance(time.Millisecond)
			p.Upkeep(t.Context())
			bob.use(t, use, other).refused(t, 400, "InvalidToken", "")
		})
	})
	t.Run("the newest only", func(t *testing.T) {
		each(t, func(t *testing.T, p postOffice, alice, _ addressee, ask, use string) {
			old := alice.ask(t, ask)
			code := alice.ask(t, ask)
			p.WaitForLetters()
			alice.use(t, use, old).refused(t, 400, "InvalidToken", "")
			alice.use(t, use, code).decode(t, nil)
		})
	})
	t.Run("of that account", func(t *testing.T) {
		each(t, func(t *testing.T, _ postOffice, alice, bob addressee, ask, use string) {
			code := alice.ask(t, ask)
			if use != "resetPassword" { // whose code is all that says which account is meant
				bob.use(t, use, code).refused(t, 400, "InvalidToken", "")
			}
			alice.use(t, use, code).decode(t, nil)
			bob.get(t, server+"getSession").decode(t, nil)
		})
	})
	t.Run("of that account, whoever has its address now", func(t *testing.T) {
		each(t, func(t *testing.T, p postOffice, alice, bob addressee, ask, use string) {
			if use == "resetPassword" {
				t.Skip("its code is all that says which account is meant")
			}
			code := alice.ask(t, ask)
			for _, a := range []*addressee{&alice, &bob} {
				address := map[bool]string{true: "elsewhere@example.com", false: alice.address}[a == &alice]
				_, err := p.config.Store.UpdateAccount(t.Context(), a.did, func(account *storage.Account) error {
					account.Email = address
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			bob.address = alice.address
			bob.use(t, use, code).refused(t, 400, "InvalidToken", "")
		})
	})
	t.Run("for that purpose", func(t *testing.T) {
		each(t, func(t *testing.T, _ postOffice, alice, _ addressee, ask, use string) {
			code := alice.ask(t, ask)
			for _, l := range letters {
				if l.use != use {
					alice.use(t, l.use, code).refused(t, 400, "InvalidToken", "")
				}
			}
			for _, wrong := range []string{"-", "AAAAA-AAAAA", code + "A", code[:10], strings.Repeat("A", 10000)} {
				alice.use(t, use, wrong).refused(t, 400, "InvalidToken", "")
			}
			alice.use(t, use, code).decode(t, nil)
		})
	})
	t.Run("at the address it was sent to", func(t *testing.T) {
		each(t, func(t *testing.T, p postOffice, alice, _ addressee, ask, use string) {
			code := alice.ask(t, ask)
			_, err := p.config.Store.UpdateAccount(t.Context(), alice.did, func(a *storage.Account) error {
				a.Email = "elsewhere@example.com"
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			alice.address = "elsewhere@example.com"
			alice.use(t, use, code).refused(t, 400, "InvalidToken", "")
		})
	})
}

// Of simultaneous uses of a code one succeeds.
func TestCodeRace(t *testing.T) {
	each(t, func(t *testing.T, _ postOffice, alice, _ addressee, ask, use string) {
		if use == "deleteAccount" {
			t.Skip("a second deletion has nothing to delete")
		}
		code := alice.ask(t, ask)
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if r := alice.use(t, use, code); r.status == 200 {
					won.Add(1)
				} else if r.name() != "InvalidToken" && r.name() != "InvalidRequest" {
					t.Errorf("a loser got %s", r)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d succeeded", won.Load())
		}
	})
}

// Neither the store nor the log has a code.
func TestCodesAreHidden(t *testing.T) {
	var log strings.Builder
	p := startPost(t, func(c *pds.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	alice := p.account(t, "alice")
	for _, l := range letters[:2] {
		code := alice.ask(t, l.ask)
		for row, err := range p.config.Store.ListTokens(t.Context(), "email-"+string(l.kind), alice.did) {
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(fmt.Sprintf("%+v %s", row, row.Value), code) {
				t.Errorf("%s is stored as %+v", code, row)
			}
		}
		if strings.Contains(log.String(), code) {
			t.Error("it is in the log")
		}
	}
	if p.codes(t, alice.did) != 2 {
		t.Errorf("%d codes", p.codes(t, alice.did))
	}
}

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
		c.Authenticators = auth.Schemes{"Test": auth.AuthenticatorFunc(func(*http.Request) (auth.Caller, error) { return caller, nil })}
	})
	alice := p.account(t, "alice")
	methods := []string{"requestEmailConfirmation", "confirmEmail", "requestEmailUpdate", "updateEmail", "requestAccountDelete"}
	for _, test := range []struct {
		kind  auth.Kind
		scope string
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
