package pds_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atclient"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// TestHostAccountWithoutAnything: an account needs neither address nor password, and two such accounts don't collide.
func TestHostAccountWithoutAnything(t *testing.T) {
	p := pdstest.New(t)
	var dids []syntax.DID
	for _, handle := range []syntax.Handle{"alice.test", "bob.test"} {
		did, err := p.CreateAccount(t.Context(), pds.NewAccount{Handle: handle})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Repo(did).Verify(t.Context()); err != nil {
			t.Errorf("the repo of %s: %v", handle, err)
		}
		dids = append(dids, did)
	}
	if dids[0] == dids[1] {
		t.Error("two accounts are one")
	}
	for _, password := range []string{"", "password"} {
		_, err := atclient.LoginWithPasswordHost(t.Context(), p.URL, "alice.test", password, "", nil)
		if name := refusal(t, err); name != "AuthenticationRequired" && name != "InvalidRequest" {
			t.Errorf("login with the password %q: %v", password, err)
		}
	}
	tokens, err := p.SignIn(t.Context(), dids[0])
	if err != nil {
		t.Fatal(err)
	}
	client := atclient.ResumePasswordSession(atclient.PasswordSessionData{
		AccessToken: tokens.Access, RefreshToken: tokens.Refresh, AccountDID: dids[0], Host: p.URL}, nil)
	client.Client = p.HTTP
	var session struct {
		DID   syntax.DID
		Email *string
	}
	if err := client.Get(t.Context(), "com.atproto.server.getSession", nil, &session); err != nil {
		t.Fatal(err)
	}
	if session.DID != dids[0] || session.Email != nil {
		t.Errorf("the session is %+v", session)
	}
}

func TestHostAccountRefused(t *testing.T) {
	p := pdstest.New(t)
	p.Account(t, "alice")
	for _, test := range []struct {
		account pds.NewAccount
		want    string
	}{
		{pds.NewAccount{Handle: "alice.test"}, "HandleNotAvailable"},
		{pds.NewAccount{Handle: "bob.example.com"}, "UnsupportedDomain"},
		{pds.NewAccount{Handle: "not a handle"}, "InvalidHandle"},
		{pds.NewAccount{Handle: "bob.test", Email: "alice@example.com"}, "InvalidRequest"},
		{pds.NewAccount{Handle: "bob.test", Email: "not an address"}, "InvalidRequest"},
	} {
		did, err := p.CreateAccount(t.Context(), test.account)
		var e *xrpc.Error
		if !errors.As(err, &e) || e.Name != test.want || did != "" {
			t.Errorf("%+v: got %q, %v, want %s", test.account, did, err, test.want)
		}
	}
	if _, err := p.CreateAccount(t.Context(), pds.NewAccount{Handle: "bob.test", Email: "bob@example.com"}); err != nil {
		t.Errorf("what was refused is still in the way: %v", err)
	}
}

// TestHostAccountResumes: whatever write is lost or reported lost, the same call again returns the one account. After a call that has
// returned it, the handle is taken.
func TestHostAccountResumes(t *testing.T) {
	for _, fault := range []storagetest.Fault{storagetest.Lost, storagetest.Applied} {
		for failing := 1; ; failing++ {
			p := pdstest.New(t)
			n := 0
			p.Faults.Writes(func(string) storagetest.Fault {
				if n++; n == failing {
					return fault
				}
				return storagetest.NoFault
			})
			alice := pds.NewAccount{Handle: "alice.test", Email: "alice@example.com"}
			did, err := p.CreateAccount(t.Context(), alice)
			if err != nil {
				did, err = p.CreateAccount(t.Context(), alice)
			}
			if err != nil {
				t.Fatalf("fault %d at write %d: %v", fault, failing, err)
			}
			if err := p.Repo(did).Verify(t.Context()); err != nil {
				t.Errorf("fault %d at write %d: %v", fault, failing, err)
			}
			var taken *xrpc.Error
			if _, err := p.CreateAccount(t.Context(), alice); !errors.As(err, &taken) || taken.Name != "HandleNotAvailable" {
				t.Errorf("fault %d at write %d: a second account: %v", fault, failing, err)
			}
			if n < failing {
				break
			}
		}
	}
}

// TestHostAccountTakesNoStrangersSignUp: what somebody has begun over HTTP, the host doesn't finish.
func TestHostAccountTakesNoStrangersSignUp(t *testing.T) {
	p := pdstest.New(t)
	p.Faults.PLCDown(true)
	err := p.Client().Post(t.Context(), "com.atproto.server.createAccount", map[string]any{
		"handle": "alice.test", "email": "alice@example.com", "password": "a stranger's password",
	}, nil)
	if name := refusal(t, err); name != "UpstreamFailure" {
		t.Fatalf("got %v", err)
	}
	p.Faults.PLCDown(false)
	did, err := p.CreateAccount(t.Context(), pds.NewAccount{Handle: "alice.test", Email: "alice@example.com"})
	var taken *xrpc.Error
	if !errors.As(err, &taken) || taken.Name != "HandleNotAvailable" {
		t.Errorf("got %s, %v", did, err)
	}
}

func TestSignInRefused(t *testing.T) {
	p := pdstest.New(t)
	if _, err := p.SignIn(t.Context(), "did:plc:nobody"); !errors.Is(err, auth.ErrAccountNotFound) {
		t.Errorf("nobody: %v", err)
	}
	alice := p.Account(t, "alice")
	_, err := p.Config.Store.UpdateAccount(t.Context(), alice.DID, func(a *storage.Account) error {
		a.TakedownRef = "case 1"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.SignIn(t.Context(), alice.DID); !errors.Is(err, auth.ErrAccountTakedown) {
		t.Errorf("taken down: %v", err)
	}
}

// TestHostDeletesAccount: it is gone, once and for all, and whoever follows the log knows.
func TestHostDeletesAccount(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	if _, _, err := p.Repo(alice.DID).Put(t.Context(), "com.example.note", "a", note{Text: "first"}); err != nil {
		t.Fatal(err)
	}
	last, err := p.Config.Store.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.DeleteAccount(t.Context(), alice.DID); err != nil {
			t.Fatal(err)
		}
	}
	e := p.Wait(t, last, func(e firehose.Event) bool { return e.Account != nil && e.Account.Status == firehose.StatusDeleted })
	if e.DID != alice.DID || e.Account.Active {
		t.Errorf("the event is %+v", e)
	}
	if _, err := p.Repo(alice.DID).Rev(t.Context()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the repo: %v", err)
	}
	if _, err := p.SignIn(t.Context(), alice.DID); !errors.Is(err, auth.ErrAccountNotFound) {
		t.Errorf("signing in: %v", err)
	}
	if again := p.Account(t, "alice"); again.DID == alice.DID {
		t.Error("the account is back")
	}
}

// TestHostDeletesNoKey: what is no DID may be the name of one of the server's own keys, which isn't an account's.
func TestHostDeletesNoKey(t *testing.T) {
	w := start(t)
	if err := w.DeleteAccount(t.Context(), "rotation"); err == nil {
		t.Error("it is said to be deleted")
	}
	w.signUp(t, "alice")
}

// TestHostAccountPasswordHash: a hash that no password could be held against is refused, not found out at the first login.
func TestHostAccountPasswordHash(t *testing.T) {
	p := pdstest.New(t)
	for _, hash := range []string{
		"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", // bcrypt's
		"a password", "$argon2id$v=19$m=4194304,t=1,p=1$n9yE+tOVCHu1xtc6NLf44Q$MdbA7duKDB1HnMdsGmkVTzEuKSAcf+Z302T4f5NofTA",
	} {
		did, err := p.CreateAccount(t.Context(), pds.NewAccount{Handle: "alice.test", PasswordHash: hash})
		var e *xrpc.Error
		if !errors.As(err, &e) || e.Name != "InvalidRequest" || strings.Contains(e.Message, hash) {
			t.Errorf("%s: got %q, %v", hash, did, err)
		}
	}
	scrypt := "00000000000000000000000000000000:" + strings.Repeat("00", 64)
	if _, err := p.CreateAccount(t.Context(), pds.NewAccount{Handle: "alice.test", PasswordHash: scrypt}); err != nil {
		t.Error(err)
	}
}
