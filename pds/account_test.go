package pds_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pdskit/pdskit/pds"
)

func TestSignUp(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	if alice.did.Method() != "plc" {
		t.Errorf("the DID is %s", alice.did)
	}
	var doc struct {
		AlsoKnownAs []string
		Service     []struct{ ServiceEndpoint string }
	}
	res, err := http.Get(w.directory.URL + "/" + alice.did.String())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if doc.AlsoKnownAs[0] != "at://alice.test" || doc.Service[0].ServiceEndpoint != w.url {
		t.Errorf("the DID document is %+v", doc)
	}
	var session struct {
		Handle, Email          string
		DIDDoc                 json.RawMessage
		Active, EmailConfirmed bool
	}
	alice.get(t, "com.atproto.server.getSession").decode(t, &session)
	if session.Handle != "alice.test" || session.Email != "alice@example.com" || !session.Active ||
		session.EmailConfirmed || len(session.DIDDoc) == 0 {
		t.Errorf("the session is %+v", session)
	}
	if err := w.Repo(alice.did).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// The first events of an account are #identity, #account, #commit and #sync, in that order, and the repo starts with
// the commit that they tell of.
func TestSignUpEvents(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	var kinds []string
	for e, err := range w.Events(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Identity != nil:
			kinds = append(kinds, "#identity")
		case e.Account != nil:
			kinds = append(kinds, "#account")
		case e.Commit != nil:
			kinds = append(kinds, "#commit")
			if e.Commit.Since != "" || len(e.Commit.Ops) != 0 {
				t.Errorf("the first commit's event is %+v", e.Commit)
			}
		case e.Sync != nil:
			kinds = append(kinds, "#sync")
		}
		if e.DID != alice.did {
			t.Errorf("an event is of %s", e.DID)
		}
		if len(kinds) == 4 {
			break
		}
	}
	if got := fmt.Sprint(kinds); got != "[#identity #account #commit #sync]" {
		t.Errorf("got %s", got)
	}
}

func TestSignUpRefusals(t *testing.T) {
	w := start(t)
	w.signUp(t, "alice")
	with := func(pairs ...any) map[string]any {
		in := signUpInput("bobby")
		for i := 0; i+1 < len(pairs); i += 2 {
			in[pairs[i].(string)] = pairs[i+1]
		}
		return in
	}
	for _, test := range []struct {
		name   string
		in     map[string]any
		status int
		error  string
		text   string
	}{
		{"the handle is taken", with("handle", "alice.test"), 400, "HandleNotAvailable", "Handle already taken"},
		{"the handle in other letters is taken", with("handle", "ALICE.test"), 400, "HandleNotAvailable", "Handle already taken"},
		{"the address is taken", with("email", "Alice@example.com"), 400, "InvalidRequest", "Email already taken"},
		{"no handle", with("handle", ""), 400, "InvalidRequest", "handle"},
		{"not a handle", with("handle", "a b.test"), 400, "InvalidRequest", "input.handle"},
		{"another domain", with("handle", "bob.example.com"), 400, "UnsupportedDomain", ""},
		{"two labels", with("handle", "bob.the.test"), 400, "InvalidHandle", ""},
		{"too short", with("handle", "bo.test"), 400, "InvalidHandle", "too short"},
		{"too long", with("handle", strings.Repeat("b", 19)+".test"), 400, "InvalidHandle", "too long"},
		{"reserved", with("handle", "admin.test"), 400, "HandleNotAvailable", "Reserved handle"},
		{"no address", with("email", ""), 400, "InvalidRequest", "Email is required"},
		{"not an address", with("email", "bob"), 400, "InvalidRequest", "not supported"},
		{"an address with a name", with("email", "Bob <bob@example.com>"), 400, "InvalidRequest", "not supported"},
		{"no password", with("password", ""), 400, "InvalidPassword", ""},
		{"a long password", with("password", strings.Repeat("p", 257)), 400, "InvalidPassword", "256"},
		{"someone's DID", with("did", "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"), 401, "AuthenticationRequired", "Missing auth to create account with did"},
		{"an operation of the client's", with("plcOp", map[string]any{}), 400, "InvalidRequest", "plcOp"},
		{"a recovery key that is none", with("recoveryKey", "did:key:nonsense"), 400, "InvalidRequest", "recoveryKey"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.post(t, "", "com.atproto.server.createAccount", test.in).refused(t, test.status, test.error, test.text)
		})
	}
	var list struct{ Repos []any }
	w.get(t, "", "com.atproto.sync.listRepos").decode(t, &list)
	if len(list.Repos) != 1 {
		t.Errorf("there are %d accounts after one sign-up and many refusals", len(list.Repos))
	}
	w.post(t, "", "com.atproto.server.createAccount", with()).decode(t, nil)
}

// Of simultaneous requests for a handle, or for an address, exactly one wins, and only its DID is registered.
func TestSignUpRaces(t *testing.T) {
	for _, shared := range []string{"handle", "email"} {
		t.Run(shared, func(t *testing.T) {
			w := start(t)
			var wg sync.WaitGroup
			won := make(chan string, 8)
			for i := range 8 {
				wg.Go(func() {
					in := signUpInput(fmt.Sprintf("user%d", i))
					in[shared] = map[string]string{"handle": "same.test", "email": "same@example.com"}[shared]
					switch r := w.post(t, "", "com.atproto.server.createAccount", in); {
					case r.status == 200:
						won <- string(r.body)
					case r.status != 400 || !strings.Contains(string(r.body), "already taken"):
						t.Errorf("a loser got %s", r)
					}
				})
			}
			wg.Wait()
			if len(won) != 1 {
				t.Errorf("%d requests won", len(won))
			}
			if n := w.registered(t); n != 1 {
				t.Errorf("%d DIDs were registered", n)
			}
		})
	}
}

// registered counts the operations that the PLC directory has.
func (w *world) registered(t *testing.T) (n int) {
	t.Helper()
	res, err := http.Get(w.directory.URL + "/export?count=100&after=0")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for dec := json.NewDecoder(res.Body); dec.More(); n++ {
		var op json.RawMessage
		if err := dec.Decode(&op); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// A sign-up that breaks off is finished by the next attempt, with the same DID; someone else doesn't get the handle
// meanwhile.
func TestSignUpResumes(t *testing.T) {
	t.Run("the PLC directory is down", func(t *testing.T) {
		down := true
		w := start(t)
		inner := w.directory.Config.Handler
		w.directory.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if down {
				http.Error(rw, "down", http.StatusServiceUnavailable)
				return
			}
			inner.ServeHTTP(rw, r)
		})
		w.post(t, "", "com.atproto.server.createAccount", signUpInput("alice")).refused(t, 502, "UpstreamFailure", "PLC directory")
		w.get(t, "", "com.atproto.identity.resolveHandle", "handle", "alice.test").refused(t, 400, "HandleNotFound", "")
		down = false
		other := signUpInput("other")
		other["handle"] = "alice.test"
		w.post(t, "", "com.atproto.server.createAccount", other).refused(t, 400, "HandleNotAvailable", "already taken")
		w.signUp(t, "alice")
	})
	t.Run("storing the account failed", func(t *testing.T) {
		w, store := startMeddling(t)
		store.fail("CreateAccount")
		r := w.post(t, "", "com.atproto.server.createAccount", signUpInput("alice"))
		r.refused(t, 500, "InternalServerError", "Internal Server Error")
		if strings.Contains(string(r.body), "injected") {
			t.Error("an internal detail leaked")
		}
		alice := w.signUp(t, "alice")
		res, err := http.Get(w.directory.URL + "/" + alice.did.String() + "/log/audit")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var log []json.RawMessage
		if err := json.NewDecoder(res.Body).Decode(&log); err != nil || len(log) != 1 {
			t.Errorf("the DID's log has %d operations: %v", len(log), err)
		}
	})
}

func TestSessions(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	login := func(identifier, password string) *response {
		return w.post(t, "", "com.atproto.server.createSession", map[string]any{"identifier": identifier, "password": password})
	}
	for _, identifier := range []string{"alice.test", "Alice.test", "@alice.test", "alice@example.com", alice.did.String()} {
		if r := login(identifier, "alice-password"); r.status != 200 {
			t.Errorf("%s can't log in: %s", identifier, r)
		}
	}
	login("alice.test", "wrong").refused(t, 401, "AuthenticationRequired", "Invalid identifier or password")
	login("nobody.test", "alice-password").refused(t, 401, "AuthenticationRequired", "Invalid identifier or password")
	login("alice.test", strings.Repeat("x", 513)).refused(t, 401, "AuthenticationRequired", "Password too long")

	var refreshed struct{ AccessJWT, RefreshJWT string }
	w.post(t, alice.refresh, "com.atproto.server.refreshSession", nil).decode(t, &refreshed)
	if refreshed.RefreshJWT == alice.refresh || refreshed.AccessJWT == "" {
		t.Errorf("refreshing gave %+v", refreshed)
	}
	w.get(t, refreshed.AccessJWT, "com.atproto.server.getSession").decode(t, nil)

	w.post(t, alice.access, "com.atproto.server.refreshSession", nil).refused(t, 400, "InvalidToken", "")
	w.get(t, alice.refresh, "com.atproto.server.getSession").refused(t, 400, "InvalidToken", "")
	w.get(t, "", "com.atproto.server.getSession").refused(t, 401, "AuthMissing", "")
	w.get(t, "nonsense", "com.atproto.server.getSession").refused(t, 400, "InvalidToken", "")
	w.get(t, forge(alice.access), "com.atproto.server.getSession").refused(t, 400, "InvalidToken", "")

	w.post(t, refreshed.RefreshJWT, "com.atproto.server.deleteSession", nil).decode(t, nil)
	w.post(t, refreshed.RefreshJWT, "com.atproto.server.refreshSession", nil).refused(t, 400, "ExpiredToken", "Token has been revoked")
}

// forge gives a token other claims and keeps its signature.
func forge(token string) string {
	parts := strings.Split(token, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	claims = bytes.Replace(claims, []byte("did:plc:"), []byte("did:plc:2"), 1)
	parts[1] = base64.RawURLEncoding.EncodeToString(claims)
	return strings.Join(parts, ".")
}

func TestDescribeServer(t *testing.T) {
	w := start(t, func(c *pds.Config) { c.InviteRequired, c.ContactEmail = true, "help@example.com" })
	var out struct {
		DID                  string
		AvailableUserDomains []string
		InviteCodeRequired   bool
		Contact              struct{ Email string }
	}
	w.get(t, "", "com.atproto.server.describeServer").decode(t, &out)
	if out.DID != "did:web:127.0.0.1" || out.AvailableUserDomains[0] != ".test" || !out.InviteCodeRequired ||
		out.Contact.Email != "help@example.com" {
		t.Errorf("got %+v", out)
	}
	w.post(t, "", "com.atproto.server.createAccount", signUpInput("alice")).refused(t, 400, "InvalidInviteCode", "")
}
