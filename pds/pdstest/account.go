package pdstest

import (
	"testing"

	"github.com/bluesky-social/indigo/atproto/atclient"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
)

// Password is that of every account.
const Password = "a password that everybody knows"

// passwordHash is an argon2id hash of Password. It takes little work, so that a test may have many accounts. The server
// replaces it at the first login by a password.
const passwordHash = "$argon2id$v=19$m=8,t=1,p=1$n9yE+tOVCHu1xtc6NLf44Q$MdbA7duKDB1HnMdsGmkVTzEuKSAcf+Z302T4f5NofTA"

// Account is an account with a client that is logged in.
type Account struct {
	DID    syntax.DID
	Handle syntax.Handle
	Email  string

	// Client sends requests as the account, and refreshes its session when that has expired.
	Client *atclient.APIClient

	// Access is the access token of the session that Client began with.
	Access string
}

// Account makes the account name.test, or name under the first of Config.HandleDomains, with the address name@example.com
// and [Password], and logs in to it.
func (p *PDS) Account(t testing.TB, name string) *Account {
	t.Helper()
	domain := ".test"
	if domains := p.Config.HandleDomains; len(domains) > 0 {
		domain = domains[0]
	}
	a := &Account{Handle: syntax.Handle(name + domain), Email: name + "@example.com"}
	var err error
	a.DID, err = p.CreateAccount(t.Context(), pds.NewAccount{Handle: a.Handle, Email: a.Email, PasswordHash: passwordHash})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := p.SignIn(t.Context(), a.DID)
	if err != nil {
		t.Fatal(err)
	}
	a.Access = tokens.Access
	a.Client = atclient.ResumePasswordSession(atclient.PasswordSessionData{
		AccessToken: tokens.Access, RefreshToken: tokens.Refresh, AccountDID: a.DID, Host: p.URL,
	}, nil)
	a.Client.Client = p.HTTP
	return a
}

// Client returns a client that isn't logged in.
func (p *PDS) Client() *atclient.APIClient {
	c := atclient.NewAPIClient(p.URL)
	c.Client = p.HTTP
	return c
}
