package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
)

const cookieName = "__Host-session"

// users are what the service knows of people. A real one has them in a database, with hashed passwords.
type users struct {
	sameSite *http.CrossOriginProtection

	mu        sync.Mutex
	passwords map[string]string
	accounts  map[string]syntax.DID
	sessions  map[string]string // users by the values of cookies
}

func newUsers(passwords map[string]string) *users {
	return &users{
		sameSite:  http.NewCrossOriginProtection(),
		passwords: passwords, accounts: map[string]syntax.DID{}, sessions: map[string]string{},
	}
}

// login signs somebody in. The first time, they get their account. If that fails halfway, the next login finishes it.
func (u *users) login(w http.ResponseWriter, r *http.Request, srv *pds.Server) {
	u.mu.Lock()
	defer u.mu.Unlock()
	name, given := r.FormValue("user"), r.FormValue("password")
	if want, ok := u.passwords[name]; !ok || subtle.ConstantTimeCompare([]byte(given), []byte(want)) != 1 {
		http.Error(w, "Wrong user or password", http.StatusUnauthorized)
		return
	}
	if _, ok := u.accounts[name]; !ok {
		did, err := srv.CreateAccount(r.Context(), pds.NewAccount{Handle: syntax.Handle(name + ".test")})
		if err != nil {
			http.Error(w, "No account right now", http.StatusServiceUnavailable)
			return
		}
		u.accounts[name] = did
	}
	cookie := rand.Text()
	u.sessions[cookie] = name
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: cookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// tokens exchanges the cookie for the tokens of a session of the protocol.
func (u *users) tokens(w http.ResponseWriter, r *http.Request, srv *pds.Server) {
	caller, err := u.authenticate(r, auth.Credentials{})
	if err != nil || caller.DID == "" {
		http.Error(w, "Log in first", http.StatusUnauthorized)
		return
	}
	tokens, err := srv.SignIn(r.Context(), caller.DID)
	if err != nil {
		http.Error(w, "No session right now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{"accessJwt": tokens.Access, "refreshJwt": tokens.Refresh})
}

// authenticators knows callers by their cookies, in requests without an Authorization header.
func (u *users) authenticators() auth.Schemes {
	return auth.Schemes{"": auth.AuthenticatorFunc(u.authenticate)}
}

func (u *users) authenticate(r *http.Request, _ auth.Credentials) (auth.Caller, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return auth.Caller{}, nil // anonymous
	}
	if err := u.sameSite.Check(r); err != nil { // another site has made a browser send the cookie
		return auth.Caller{}, auth.ErrForbidden
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	name, ok := u.sessions[cookie.Value]
	if !ok {
		return auth.Caller{}, auth.ErrExpiredToken
	}
	return auth.Caller{Kind: auth.KindSession, DID: u.accounts[name], Extra: name}, nil
}

// refuseHandles is a hook: accounts come with the service, each under its user's name, and by no other way. If people could
// choose, one of them would take the handle of a user who hasn't logged in yet.
func refuseHandles(context.Context, syntax.Handle) error {
	return xrpc.InvalidRequest("Join the service, and the account comes with it, under your name")
}
