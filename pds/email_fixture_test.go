package pds_test

import (
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/storage"
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
		for _, err := range p.config.Store.ListDocuments(t.Context(), storage.DocumentRange{Kind: "email-" + string(purpose.kind), Owner: did}) {
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
