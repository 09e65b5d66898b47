package pdstest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atclient"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// What is running before the first test is a dependency's: go-log starts a goroutine when it is imported.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// A record as an app writes it.
func post(a *pdstest.Account, text string) map[string]any {
	return map[string]any{
		"repo": a.DID, "collection": "com.example.post", "record": map[string]any{"text": text},
	}
}

type written struct{ URI, CID string }

// TestParallel is what an app's own test looks like, 200 times at once: each server is alone with its accounts.
func TestParallel(t *testing.T) {
	for i := range 200 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			p := pdstest.New(t)
			alice := p.Account(t, "alice")
			var out written
			if err := alice.Client.Post(t.Context(), "com.atproto.repo.createRecord", post(alice, t.Name()), &out); err != nil {
				t.Fatal(err)
			}
			e := p.Wait(t, 0, func(e firehose.Event) bool { return e.Commit != nil && len(e.Commit.Ops) > 0 })
			if e.DID != alice.DID || e.Commit.Ops[0].CID.String() != out.CID {
				t.Errorf("the event of %s is %+v", out.URI, e)
			}
			if _, err := p.Config.Store.AccountByHandle(t.Context(), "bob.test"); err == nil {
				t.Error("there is an account that nobody has made")
			}
		})
	}
}

// TestLogin: an account's password opens it, and the cheap hash is replaced.
func TestLogin(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	for range 2 {
		c, err := atclient.LoginWithPasswordHost(t.Context(), p.URL, "alice.test", pdstest.Password, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if *c.AccountDID != alice.DID {
			t.Errorf("logged in as %s, want %s", c.AccountDID, alice.DID)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if _, err := atclient.LoginWithPasswordHost(t.Context(), p.URL, "alice.test", "another", "", nil); err == nil {
		t.Error("a wrong password opens the account")
	}
	account, err := p.Config.Store.Account(t.Context(), alice.DID)
	if err != nil || strings.Contains(account.PasswordHash, "m=8,") {
		t.Errorf("the hash is still %s, %v", account.PasswordHash, err)
	}
}

// TestOtherDomain: an app's own configuration may have handles elsewhere.
func TestOtherDomain(t *testing.T) {
	p := pdstest.New(t, func(c *pds.Config) { c.HandleDomains = []string{".people.example.com", ".test"} })
	if alice := p.Account(t, "alice"); alice.Handle != "alice.people.example.com" {
		t.Errorf("the handle is %s", alice.Handle)
	}
}

// TestClock: time passes when the test says so, and a client refreshes its session.
func TestClock(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	if now := p.Clock.Now(); !now.Equal(pdstest.Start) {
		t.Errorf("the clock shows %v", now)
	}
	p.Clock.Advance(3 * time.Hour)
	request, err := http.NewRequestWithContext(t.Context(), "GET", p.URL+"/xrpc/com.atproto.server.getSession", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+alice.Access)
	response := httptest.NewRecorder()
	p.ServeHTTP(response, request)
	if !strings.Contains(response.Body.String(), "ExpiredToken") {
		t.Errorf("after three hours the access token gets %s", response.Body)
	}
	var session struct{ Handle string }
	if err := alice.Client.Get(t.Context(), "com.atproto.server.getSession", nil, &session); err != nil {
		t.Fatal(err)
	}
	if session.Handle != "alice.test" {
		t.Errorf("the session is %s's", session.Handle)
	}
}

// TestMail resets a password as its owner does.
func TestMail(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	reset := func(method string, in map[string]any) {
		t.Helper()
		if err := p.Client().Post(t.Context(), syntax.NSID("com.atproto.server."+method), in, nil); err != nil {
			t.Fatal(err)
		}
	}
	reset("requestPasswordReset", map[string]any{"email": alice.Email})
	letter := p.Mail.Wait(t, alice.Email)
	reset("resetPassword", map[string]any{"token": letter.Token, "password": "a new one"})
	if _, err := atclient.LoginWithPasswordHost(t.Context(), p.URL, "alice.test", "a new one", "", nil); err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
	if diff := cmp.Diff([]pds.Mail{letter}, p.Mail.All()); diff != "" {
		t.Errorf("all letters (-want +got):\n%s", diff)
	}

	p.Faults.Mail(true)
	if err := alice.Client.Post(t.Context(), "com.atproto.server.requestAccountDelete", nil, nil); err == nil {
		t.Error("a letter that can't be sent is reported as sent")
	}
	p.Faults.Mail(false)
	if err := alice.Client.Post(t.Context(), "com.atproto.server.requestAccountDelete", nil, nil); err != nil {
		t.Error(err)
	}
	if m := p.Mail.Wait(t, "Alice@example.com"); m.Kind != pds.MailDeleteAccount {
		t.Errorf("the next letter is %v", m)
	}
}

func TestFaultyWrites(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	status := func(text string) int {
		err := alice.Client.Post(t.Context(), "com.atproto.repo.createRecord", post(alice, text), nil)
		var e *atclient.APIError
		if err != nil && !errors.As(err, &e) {
			t.Fatal(err)
		}
		if err != nil {
			return e.StatusCode
		}
		return http.StatusOK
	}
	var got []int
	for _, fault := range []storagetest.Fault{storagetest.Lost, storagetest.Applied} {
		p.Faults.Writes(func(method string) storagetest.Fault {
			if method == "Commit" {
				return fault
			}
			return storagetest.NoFault
		})
		got = append(got, status("faulty"))
	}
	p.Faults.Writes(nil)
	got = append(got, status("good"))
	if diff := cmp.Diff([]int{500, 500, 200}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	var records int
	for _, err := range p.Repo(alice.DID).List(t.Context(), "com.example.post") {
		if err != nil {
			t.Fatal(err)
		}
		records++
	}
	if records != 2 {
		t.Errorf("%d records: want the one that was applied, and the good one", records)
	}
}

func TestFaultyBlobs(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	upload := func() error {
		request := atclient.NewAPIRequest("POST", "com.atproto.repo.uploadBlob", strings.NewReader("bytes"))
		request.Headers.Set("Content-Type", "text/plain")
		res, err := alice.Client.Do(t.Context(), request)
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != 200 {
			return errors.New(res.Status)
		}
		return nil
	}
	p.Faults.Blobs(true)
	if err := upload(); err == nil {
		t.Error("an upload succeeds without a place for blobs")
	}
	p.Faults.Blobs(false)
	if err := upload(); err != nil {
		t.Errorf("after the fault: %v", err)
	}
}

// TestPLCDown: a sign-up that the PLC directory spoils goes on when the directory is back.
func TestPLCDown(t *testing.T) {
	p := pdstest.New(t)
	p.Faults.PLCDown(true)
	bob := pds.NewAccount{Handle: "bob.test"}
	if did, err := p.CreateAccount(t.Context(), bob); err == nil {
		t.Fatalf("%s came into being without a PLC directory", did)
	}
	p.Faults.PLCDown(false)
	did, err := p.CreateAccount(t.Context(), bob)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.HTTP.Get(p.PLCURL + "/" + did.String())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the directory answers %s about %s", res.Status, did)
	}
}

// BenchmarkNew is what a test pays for its server.
func BenchmarkNew(b *testing.B) {
	for range b.N {
		b.StopTimer()
		tb := &ending{TB: b}
		b.StartTimer()
		pdstest.New(tb)
		b.StopTimer()
		tb.end()
		b.StartTimer()
	}
}

// ending is a test that ends before its benchmark does.
type ending struct {
	testing.TB
	cleanups []func()
}

func (e *ending) Cleanup(f func()) { e.cleanups = append(e.cleanups, f) }

func (e *ending) end() {
	for i := len(e.cleanups) - 1; i >= 0; i-- {
		e.cleanups[i]()
	}
}
