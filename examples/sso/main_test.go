package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
)

type service struct {
	http.Handler
	pds *pdstest.PDS
}

func start(t *testing.T) *service {
	users := newUsers(map[string]string{"alice": "wonderland", "bob": "builder"})
	p := pdstest.New(t, func(c *pds.Config) {
		c.Authenticators = users.authenticators()
		c.Hooks.HandleAllowed = refuseHandles
	})
	return &service{routes(users, p.Server), p}
}

func (s *service) do(verb, path, body, contentType string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(verb, path, strings.NewReader(body))
	if header != nil {
		r.Header = header.Clone()
	}
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// login returns the header with the user's cookie.
func (s *service) login(t *testing.T, user, password string) http.Header {
	t.Helper()
	form := url.Values{"user": {user}, "password": {password}}
	w := s.do("POST", "/login", form.Encode(), "application/x-www-form-urlencoded", nil)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusOK || len(cookies) != 1 {
		t.Fatalf("login: %d %s", w.Code, w.Body)
	}
	return http.Header{"Cookie": {cookies[0].Name + "=" + cookies[0].Value}}
}

func TestCookie(t *testing.T) {
	s := start(t)
	alice := s.login(t, "alice", "wonderland")
	var session struct {
		DID    syntax.DID
		Handle syntax.Handle
	}
	w := s.do("GET", "/xrpc/com.atproto.server.getSession", "", "", alice)
	if err := json.Unmarshal(w.Body.Bytes(), &session); err != nil || session.Handle != "alice.test" {
		t.Fatalf("session: %s", w.Body)
	}
	write := `{"repo":"alice.test","collection":"com.example.thing","record":{}}`
	w = s.do("POST", "/xrpc/com.atproto.repo.createRecord", write, "application/json", alice)
	if w.Code != http.StatusOK {
		t.Errorf("write by cookie: %d %s", w.Code, w.Body)
	}
	bob := s.login(t, "bob", "builder")
	if w = s.do("POST", "/xrpc/com.atproto.repo.createRecord", write, "application/json", bob); w.Code == http.StatusOK {
		t.Error("bob wrote to the repo of alice")
	}
	alice = s.login(t, "alice", "wonderland")
	w = s.do("GET", "/xrpc/com.atproto.server.getSession", "", "", alice)
	if !strings.Contains(w.Body.String(), session.DID.String()) {
		t.Errorf("at the second login, alice is someone else: %s", w.Body)
	}
}

func TestTokens(t *testing.T) {
	s := start(t)
	w := s.do("POST", "/tokens", "", "", s.login(t, "alice", "wonderland"))
	var tokens struct{ AccessJWT string }
	if err := json.Unmarshal(w.Body.Bytes(), &tokens); err != nil || tokens.AccessJWT == "" {
		t.Fatalf("tokens: %d %s", w.Code, w.Body)
	}
	w = s.do("GET", "/xrpc/com.atproto.server.getSession", "", "", http.Header{"Authorization": {"Bearer " + tokens.AccessJWT}})
	if !strings.Contains(w.Body.String(), "alice.test") {
		t.Errorf("session by token: %s", w.Body)
	}
	if w := s.do("POST", "/tokens", "", "", nil); w.Code != http.StatusUnauthorized {
		t.Errorf("tokens for nobody: %d %s", w.Code, w.Body)
	}
}

func TestRefused(t *testing.T) {
	s := start(t)
	if w := s.do("POST", "/login", "user=alice&password=wrong", "application/x-www-form-urlencoded", nil); w.Code != 401 {
		t.Errorf("wrong password: %d", w.Code)
	}
	w := s.do("POST", "/xrpc/com.atproto.server.createAccount",
		`{"handle":"eve.test","email":"eve@example.com","password":"eve-password"}`, "application/json", nil)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "Join the service") {
		t.Errorf("sign-up by the protocol: %d %s", w.Code, w.Body)
	}
	forged := http.Header{"Cookie": {cookieName + "=forged"}}
	if w := s.do("GET", "/xrpc/com.atproto.server.getSession", "", "", forged); !strings.Contains(w.Body.String(), "ExpiredToken") {
		t.Errorf("forged cookie: %s", w.Body)
	}
	alice := s.login(t, "alice", "wonderland")
	alice.Set("Sec-Fetch-Site", "cross-site")
	if w := s.do("POST", "/xrpc/com.atproto.server.deactivateAccount", "{}", "application/json", alice); w.Code != http.StatusForbidden {
		t.Errorf("another site's request with the cookie: %d %s", w.Code, w.Body)
	}
	app := http.Header{"Authorization": {"Bearer " + s.pds.Account(t, "carol").Access}, "Sec-Fetch-Site": {"cross-site"}}
	if w := s.do("POST", "/xrpc/com.atproto.server.deactivateAccount", "{}", "application/json", app); w.Code != http.StatusOK {
		t.Errorf("another site's request with a token: %d %s", w.Code, w.Body)
	}
}

// TestHandles: nobody takes the handle of a user who hasn't logged in yet.
func TestHandles(t *testing.T) {
	s := start(t)
	alice := s.login(t, "alice", "wonderland")
	w := s.do("POST", "/xrpc/com.atproto.identity.updateHandle", `{"handle":"bob.test"}`, "application/json", alice)
	if w.Code != http.StatusBadRequest {
		t.Errorf("alice becomes bob: %d %s", w.Code, w.Body)
	}
	s.login(t, "bob", "builder")
}

// TestFailedLogin: an account that couldn't be made is made at the next login.
func TestFailedLogin(t *testing.T) {
	s := start(t)
	s.pds.Faults.PLCDown(true)
	form := "user=alice&password=wonderland"
	if w := s.do("POST", "/login", form, "application/x-www-form-urlencoded", nil); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without a PLC directory: %d", w.Code)
	}
	s.pds.Faults.PLCDown(false)
	s.login(t, "alice", "wonderland")
}
