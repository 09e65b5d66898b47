package pds_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/auth/service"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
)

const getServiceAuth = "com.atproto.server.getServiceAuth"

func TestGetServiceAuth(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	w := start(t, withClock(&now), withApps)
	alice := w.signUp(t, "alice")
	const aud = "did:web:view.example.com"
	at := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
	ask := func(token string, params ...string) *response {
		t.Helper()
		return w.get(t, token, getServiceAuth, params...)
	}

	for _, test := range []struct {
		params  []string
		expires time.Duration
	}{
		{[]string{"aud", aud}, time.Minute},
		{[]string{"aud", aud + "#view", "lxm", "com.example.thing"}, time.Minute},
		{[]string{"aud", aud, "lxm", "com.example.thing", "exp", at(time.Hour)}, time.Hour},
		{[]string{"aud", aud, "exp", at(time.Minute)}, time.Minute},
		{[]string{"aud", aud, "lxm", "chat.bsky.convo.getLog"}, time.Minute},
		{[]string{"aud", aud, "lxm", "com.atproto.server.createAccount"}, time.Minute},
	} {
		var out struct{ Token string }
		ask(alice.access, test.params...).decode(t, &out)
		_, claims := decodeToken(t, out.Token)
		if claims["iss"] != alice.did.String() || claims["aud"] != test.params[1] || claims["exp"] != float64(now.Add(test.expires).Unix()) {
			t.Errorf("%q: %v", test.params, claims)
		}
		if lxm, given := claims["lxm"]; len(test.params) > 2 && test.params[2] == "lxm" && lxm != test.params[3] || len(test.params) == 2 && given {
			t.Errorf("%q: %v", test.params, claims)
		}
	}
	app, down := w.token(t, alice.did, session.ScopeAppPass), w.token(t, alice.did, session.ScopeTakendown)
	for _, test := range []struct {
		token      string
		params     []string
		name, text string
	}{
		{alice.access, nil, "InvalidRequest", "aud"},
		{alice.access, []string{"aud", "view.example.com"}, "InvalidRequest", "valid atproto DID"},
		{alice.access, []string{"aud", aud + "#"}, "InvalidRequest", "valid atproto DID"},
		{alice.access, []string{"aud", aud + "#a#b"}, "InvalidRequest", "valid atproto DID"},
		{alice.access, []string{"aud", aud + "#" + strings.Repeat("x", 2048)}, "InvalidRequest", "params.aud"},
		{alice.access, []string{"aud", aud, "lxm", "thing"}, "InvalidRequest", "lxm"},
		{alice.access, []string{"aud", aud, "exp", at(-time.Second)}, "BadExpiration", "past"},
		{alice.access, []string{"aud", aud, "exp", at(61 * time.Second)}, "BadExpiration", "minute"},
		{alice.access, []string{"aud", aud, "lxm", "com.example.thing", "exp", at(time.Hour + time.Second)}, "BadExpiration", "hour"},
		{alice.access, []string{"aud", aud, "exp", "9223372036854775807"}, "BadExpiration", "hour"},
		{alice.access, []string{"aud", aud, "lxm", "com.atproto.server.updateEmail"}, "InvalidRequest", "protected"},
		{alice.access, []string{"aud", aud, "lxm", "com.atproto.SERVER.updateemail"}, "InvalidRequest", "protected"},
		{app, []string{"aud", aud, "lxm", "chat.bsky.convo.getLog"}, "InvalidRequest", "insufficient access"},
		{app, []string{"aud", aud, "lxm", "com.atproto.server.createAccount"}, "InvalidRequest", "insufficient access"},
		{down, []string{"aud", aud, "lxm", "com.example.thing"}, "InvalidToken", "Bad token scope"},
		{down, []string{"aud", aud}, "InvalidToken", "Bad token scope"},
	} {
		ask(test.token, test.params...).refused(t, 400, test.name, test.text)
	}
	ask("", "aud", aud).refused(t, 401, "AuthMissing", "")
	ask(down, "aud", aud, "lxm", "com.atproto.server.createAccount").decode(t, nil)
	ask(app, "aud", aud, "lxm", "com.example.thing").decode(t, nil)
	scope := "atproto rpc:com.example.thing?aud=" + aud + "%23view"
	w.asApp(t, alice, scope, "GET", getServiceAuth+"?lxm=com.example.thing&aud="+aud+"%23view", nil).decode(t, nil)
	w.asApp(t, alice, scope, "GET", getServiceAuth+"?aud="+aud+"%23view", nil).refused(t, 403, "ScopeMissingError", "rpc:*")
	w.asApp(t, alice, scope, "GET", getServiceAuth+"?lxm=com.example.other&aud="+aud+"%23view", nil).refused(t, 403, "ScopeMissingError", "")

	w.setStatus(t, alice, func(a *storage.Account) { a.TakedownRef = "x" })
	ask(alice.access, "aud", aud).refused(t, 401, "AccountTakedown", "")
}

// serviceToken asks for a token for the server itself.
func (u *user) serviceToken(t testing.TB, aud, method string) string {
	t.Helper()
	var out struct{ Token string }
	u.get(t, getServiceAuth, "aud", aud, "lxm", method).decode(t, &out)
	return out.Token
}

// A service uploads for an account, as one that transcodes videos does: once for each token.
func TestUploadByServiceToken(t *testing.T) {
	w := start(t, withApps)
	alice := w.signUp(t, "alice")
	const method = "com.atproto.repo.uploadBlob"
	upload := func(token string) *response {
		t.Helper()
		return w.do(t, "POST", "/xrpc/"+method, token, "text/plain", strings.NewReader("hello"))
	}
	for _, aud := range []string{w.serverDID().String(), w.serverDID().String() + "#atproto_pds"} {
		token := alice.serviceToken(t, aud, method)
		upload(token).decode(t, nil)
		upload(token).refused(t, 401, "BadJwt", "used already")
	}
	upload(alice.serviceToken(t, w.serverDID().String(), "com.example.thing")).refused(t, 401, "BadJwtLexiconMethod", "")
	upload(alice.serviceToken(t, "did:web:other.example.com", method)).refused(t, 401, "BadJwtAudience", "")

	// It is good for what the method's policy says, and nothing else.
	token := alice.serviceToken(t, w.serverDID().String(), "com.atproto.repo.createRecord")
	w.post(t, token, "com.atproto.repo.createRecord", map[string]any{}).refused(t, 403, "Forbidden", "")
	token = alice.serviceToken(t, w.serverDID().String(), "com.atproto.sync.getRepo")
	w.get(t, token, "com.atproto.sync.getRepo", "did", alice.did.String()).refused(t, 403, "Forbidden", "")

	body := func() io.Reader { return strings.NewReader("{}") }
	w.asApp(t, alice, "atproto blob:image/*", "POST", method, body()).refused(t, 403, "ScopeMissingError", "blob:application/json")
	w.asApp(t, alice, "atproto blob:application/*", "POST", method, body()).decode(t, nil)
}

// mover is somebody who has an account at another server, of which the test has the key.
type mover struct {
	did syntax.DID
	key *atcrypto.PrivateKeyK256
}

func (w *world) mover(t testing.TB, handle string) *mover {
	t.Helper()
	key, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	client, err := plc.NewClient(plc.ClientConfig{URL: w.directory.URL})
	if err != nil {
		t.Fatal(err)
	}
	registrar := identity.NewPLCRegistrar(client, w.config.RotationKey)
	did, op, err := registrar.NewGenesis(t.Context(), identity.Genesis{
		SigningKey: public.DIDKey(), Handle: syntax.Handle(handle), PDS: "https://old.example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := registrar.Submit(t.Context(), did, op); err != nil {
		t.Fatal(err)
	}
	return &mover{did, key}
}

func (m *mover) Public(context.Context, string) (atcrypto.PublicKey, error) { return m.key.PublicKey() }

func (m *mover) Sign(_ context.Context, _ syntax.DID, data []byte) ([]byte, error) {
	return m.key.HashAndSign(data)
}

// token signs a token as the old server would.
func (m *mover) token(t testing.TB, w *world, method syntax.NSID) string {
	t.Helper()
	token, err := service.Token{Issuer: m.did, Audience: w.serverDID().String(), Method: method}.Sign(t.Context(), m, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Somebody who brings a DID along gets an account that nobody hears of.
func TestMoveIn(t *testing.T) {
	w := start(t)
	bob := w.signUp(t, "bob")
	alice := w.mover(t, "alice.test")
	const method = "com.atproto.server.createAccount"
	input := signUpInput("alice")
	input["did"] = alice.did
	w.post(t, "", method, input).refused(t, 401, "AuthenticationRequired", "Missing auth to create account with did")
	w.post(t, w.mover(t, "eve.test").token(t, w, method), method, input).refused(t, 401, "AuthenticationRequired", "Missing auth")
	w.post(t, alice.token(t, w, "com.example.thing"), method, input).refused(t, 401, "BadJwtLexiconMethod", "")
	w.post(t, bob.access, method, input).refused(t, 401, "BadJwtType", "")

	taken := signUpInput("bob")
	taken["did"], taken["email"] = alice.did, "other@example.com"
	w.post(t, alice.token(t, w, method), method, taken).refused(t, 400, "HandleNotAvailable", "")
	taken = signUpInput("alice")
	taken["did"], taken["email"] = alice.did, "bob@example.com"
	w.post(t, alice.token(t, w, method), method, taken).refused(t, 400, "InvalidRequest", "Email already taken")
	foreign := signUpInput("alice")
	foreign["did"], foreign["handle"] = alice.did, "alice.example.invalid"
	w.post(t, alice.token(t, w, method), method, foreign).refused(t, 400, "InvalidHandle", "")

	before, err := w.config.Store.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		DID                   syntax.DID
		Handle                string
		AccessJWT, RefreshJWT string
	}
	token := alice.token(t, w, method)
	w.post(t, token, method, input).decode(t, &out)
	if out.DID != alice.did || out.Handle != "alice.test" {
		t.Errorf("got %+v", out)
	}
	after, err := w.config.Store.LastSeq(t.Context())
	if err != nil || after != before {
		t.Errorf("%d events were written, %v", after-before, err)
	}
	account, err := w.config.Store.Account(t.Context(), alice.did)
	if err != nil || account.Status() != storage.StatusDeactivated || !account.DeleteAfter.IsZero() {
		t.Errorf("the account is %+v, %v", account, err)
	}
	w.get(t, "", "com.atproto.sync.getRepo", "did", alice.did.String()).refused(t, 400, "RepoDeactivated", "")
	w.post(t, token, method, input).refused(t, 401, "BadJwt", "used already")
	w.post(t, alice.token(t, w, method), method, input).refused(t, 400, "InvalidRequest", "already exists")

	// The key is the account's own, new one; with the identity pointing elsewhere the account isn't activated.
	public, err := w.config.Keys.Public(t.Context(), alice.did.String())
	old, _ := alice.key.PublicKey()
	if err != nil || public.Equal(old) {
		t.Errorf("the key is %v, %v", public, err)
	}
	w.post(t, out.AccessJWT, "com.atproto.server.activateAccount", map[string]any{}).refused(t, 400, "InvalidRequest", "does not match")
	w.setPreferences(t, out.AccessJWT, savedFeeds).decode(t, nil)
}

// A service that moderates the server reads anybody's preferences.
func TestModerator(t *testing.T) {
	w := start(t)
	mod := w.mover(t, "mod.test")
	c := w.config
	c.Moderators = []syntax.DID{mod.did}
	server, err := pds.New(c)
	if err != nil {
		t.Fatal(err)
	}
	alice := w.signUp(t, "alice")
	w.setPreferences(t, alice.access, personalDetails).decode(t, nil)
	ask := func(m *mover, did syntax.DID) *response {
		t.Helper()
		r := httptest.NewRequest("GET", "/xrpc/"+getPreferences+"?did="+did.String(), nil)
		r.Header.Set("Authorization", "Bearer "+m.token(t, w, getPreferences))
		rec := httptest.NewRecorder()
		server.ServeHTTP(rec, r)
		return &response{rec.Code, rec.Header(), rec.Body.Bytes()}
	}
	if got := preferencesOf(t, ask(mod, alice.did)); len(got) != 2 || got[0] != personalDetails {
		t.Errorf("got %q", got)
	}
	w.setStatus(t, alice, func(a *storage.Account) { a.TakedownRef = "x" })
	if got := preferencesOf(t, ask(mod, alice.did)); len(got) != 2 {
		t.Errorf("of an account that is taken down: %q", got)
	}
	ask(mod, "did:web:nobody.example.com").refused(t, 403, "AccountNotFound", "")
	ask(w.mover(t, "eve.test"), alice.did).refused(t, 403, "Forbidden", "")
}
