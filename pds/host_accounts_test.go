package pds_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atclient"
	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"

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

// TestHostAuthenticator: callers by a scheme of the host's own, and by a cookie where there is no header.
func TestHostAuthenticator(t *testing.T) {
	var did syntax.DID
	known := func(credential string) (auth.Caller, error) {
		switch credential {
		case "":
			return auth.Caller{}, nil
		case "alice":
			return auth.Caller{Kind: auth.KindSession, DID: did, Extra: "a host's user"}, nil
		}
		return auth.Caller{}, auth.ErrInvalidToken
	}
	p := pdstest.New(t, func(c *pds.Config) {
		c.Authenticators = auth.Schemes{
			"Staff": auth.AuthenticatorFunc(func(r *http.Request) (auth.Caller, error) {
				return known(strings.TrimPrefix(r.Header.Get("Authorization"), "Staff "))
			}),
			"": auth.AuthenticatorFunc(func(r *http.Request) (auth.Caller, error) {
				cookie, err := r.Cookie("user")
				if err != nil {
					return known("")
				}
				return known(cookie.Value)
			}),
		}
	})
	alice := p.Account(t, "alice")
	did = alice.DID
	for _, test := range []struct{ header, value, want string }{
		{"Authorization", "Staff alice", ""},
		{"Authorization", "Staff mallory", "InvalidToken"},
		{"Authorization", "Bearer " + alice.Access, ""},
		{"Cookie", "user=alice", ""},
		{"Cookie", "user=mallory", "InvalidToken"},
		{"Cookie", "other=alice", "AuthMissing"},
	} {
		client := p.Client()
		client.Headers.Set(test.header, test.value)
		err := client.Post(t.Context(), "com.atproto.repo.createRecord", map[string]any{
			"repo": "alice.test", "collection": "com.example.thing", "record": map[string]any{},
		}, nil)
		if got := refusal(t, err); got != test.want {
			t.Errorf("%s: %s: got %q, want %q", test.header, test.value, got, test.want)
		}
	}
}

type note struct {
	Text  string       `json:"text"`
	Image *atdata.Blob `json:"image,omitempty"`
}

func TestRecordsAndBlobs(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	notes := pds.Records[note]{Repo: p.Repo(alice.DID), Collection: "com.example.note"}
	blob, err := notes.Repo.PutBlob(t.Context(), "text/plain", strings.NewReader("an image, in words"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]note{"a": {Text: "first", Image: &blob}, "b": {Text: "second"}}
	for rkey, n := range want {
		uri, c, err := notes.Put(t.Context(), syntax.RecordKey(rkey), n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := notes.Get(t.Context(), syntax.RecordKey(rkey))
		if err != nil || got.URI != uri || got.CID != c || got.Rev == "" {
			t.Errorf("%s: got %+v, %v, want %s %s", rkey, got, err, uri, c)
		}
	}
	got := map[string]note{}
	for n, err := range notes.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[n.URI.RecordKey().String()] = n.Value
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b atdata.CIDLink) bool { return a == b })); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	content, err := notes.Repo.OpenBlob(t.Context(), cid.Cid(blob.Ref))
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if b, err := io.ReadAll(content); err != nil || string(b) != "an image, in words" {
		t.Errorf("the blob is %q, %v", b, err)
	}
	if err := notes.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := notes.Get(t.Context(), "a"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a deleted record: %v", err)
	}
	if _, err := p.Repo("did:plc:nobody").PutBlob(t.Context(), "", strings.NewReader("x")); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a blob of nobody's: %v", err)
	}
}

// TestRecordsOfOthersMaking: a record that isn't of the type is told of, and the rest is listed.
func TestRecordsOfOthersMaking(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	r := p.Repo(alice.DID)
	for rkey, value := range map[syntax.RecordKey]any{
		"a": map[string]any{"text": 1}, "b": note{Text: "good"}, "c": map[string]any{"text": "text", "teXt": "deceived"},
	} {
		if _, _, err := r.Put(t.Context(), "com.example.note", rkey, value); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for n, err := range (pds.Records[note]{Repo: r, Collection: "com.example.note"}).List(t.Context()) {
		if err != nil {
			got = append(got, n.URI.RecordKey().String()+" is no note")
			continue
		}
		got = append(got, n.Value.Text)
	}
	if diff := cmp.Diff([]string{"a is no note", "good", "text"}, got); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
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

// TestHostDeletesByKey: a key that was forgotten isn't made, or nothing would be deleted without a word.
func TestHostDeletesByKey(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	err := p.Repo(alice.DID).Delete(t.Context(), "com.example.note", "")
	var e *xrpc.Error
	if !errors.As(err, &e) || e.Name != "InvalidRequest" {
		t.Errorf("got %v", err)
	}
}

// TestHostWritesToNoInactiveRepo: what the network isn't to be shown, no commit tells it, whoever writes.
func TestHostWritesToNoInactiveRepo(t *testing.T) {
	for _, test := range []struct {
		status storage.AccountStatus
		change func(*storage.Account)
		want   error
	}{
		{storage.StatusDeactivated, func(a *storage.Account) { a.DeactivatedAt = pdstest.Start }, auth.ErrAccountDeactivated},
		{storage.StatusTakendown, func(a *storage.Account) { a.TakedownRef = "case 1" }, auth.ErrAccountTakedown},
	} {
		t.Run(string(test.status), func(t *testing.T) {
			p := pdstest.New(t)
			r := p.Repo(p.Account(t, "alice").DID)
			uri, _, err := r.Put(t.Context(), "com.example.note", "a", note{Text: "first"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Config.Store.UpdateAccount(t.Context(), uri.Authority().DID(), func(a *storage.Account) error {
				test.change(a)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			before, err := r.Rev(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := r.Put(t.Context(), "com.example.note", "a", note{Text: "second"}); !errors.Is(err, test.want) {
				t.Errorf("put: %v", err)
			}
			if err := r.Delete(t.Context(), "com.example.note", "a"); !errors.Is(err, test.want) {
				t.Errorf("delete: %v", err)
			}
			if after, err := r.Rev(t.Context()); err != nil || after != before {
				t.Errorf("there is a commit more, %v", err)
			}
		})
	}
	if err := pdstest.New(t).Repo("did:plc:nobody").Delete(t.Context(), "com.example.note", "a"); !errors.Is(err, auth.ErrAccountNotFound) {
		t.Errorf("nobody's: %v", err)
	}
}

// TestTakenDownRecords: the host reads them, and is told that they're not for others.
func TestTakenDownRecords(t *testing.T) {
	p := startPost(t)
	alice := p.account(t, "alice")
	notes := pds.Records[note]{Repo: p.Server.Repo(alice.did), Collection: "com.example.note"}
	for _, text := range []string{"bad", "good"} {
		uri, c, err := notes.Put(t.Context(), syntax.RecordKey(text), note{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if text == "bad" {
			p.takedown(t, map[string]any{"$type": "com.atproto.repo.strongRef", "uri": uri, "cid": c.String()}, true)
		}
	}
	want := map[string]bool{"bad": true, "good": false}
	got := map[string]bool{}
	for n, err := range notes.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[n.Value.Text] = n.TakenDown
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("typed (-want +got):\n%s", diff)
	}
	for text, down := range want {
		r, err := notes.Repo.Get(t.Context(), notes.Collection, syntax.RecordKey(text))
		if err != nil || r.TakenDown != down {
			t.Errorf("%s: %+v, %v", text, r, err)
		}
	}
}
