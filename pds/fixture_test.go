package pds_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage/memory"
)

// world is a server on a socket, with a PLC directory of its own.
type world struct {
	*pds.Server
	config    pds.Config
	url       string
	directory *httptest.Server
}

// start makes a world in memory. Each change may replace what the server is made of.
func start(t testing.TB, changes ...func(*pds.Config)) *world {
	t.Helper()
	directory, err := plc.NewDirectory(plc.DirectoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{directory: httptest.NewServer(directory)}
	t.Cleanup(w.directory.Close)

	front := httptest.NewUnstartedServer(nil)
	w.url = "http://" + front.Listener.Addr().String()
	w.config = pds.Config{
		Store:         memory.New(),
		Blobs:         memory.NewBlobs(),
		PublicURL:     w.url,
		HandleDomains: []string{".test"},
		TokenSecret:   []byte("a secret that only tests know"),
		AdminPassword: "admin-password",
		PLCURL:        w.directory.URL,
		Development:   true,
		Logger:        slog.New(slog.DiscardHandler),
	}
	for _, change := range changes {
		change(&w.config)
	}
	w.addKeys(t)
	if w.Server, err = pds.New(w.config); err != nil {
		t.Fatal(err)
	}
	front.Config.Handler = w.Server
	front.Start()
	t.Cleanup(front.Close)
	return w
}

func (w *world) addKeys(t testing.TB) {
	t.Helper()
	ring, err := keys.New(keys.Config{Store: w.config.Store, Secret: bytes.Repeat([]byte("k"), keys.MinSecret)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Generate(t.Context(), "rotation", keys.K256); err != nil {
		t.Fatal(err)
	}
	if w.config.RotationKey, err = ring.Signer(t.Context(), "rotation"); err != nil {
		t.Fatal(err)
	}
	w.config.Keys = ring
}

// user is a client of somebody who has an account.
type user struct {
	world   *world
	did     syntax.DID
	access  string
	refresh string
}

// signUp makes the account name.test.
func (w *world) signUp(t testing.TB, name string) *user {
	t.Helper()
	return w.newUser(t, "", signUpInput(name))
}

// newUser makes an account upon a request by the bearer of a token, or by anybody.
func (w *world) newUser(t testing.TB, token string, input map[string]any) *user {
	t.Helper()
	var out struct {
		DID                   syntax.DID
		AccessJWT, RefreshJWT string
	}
	w.post(t, token, "com.atproto.server.createAccount", input).decode(t, &out)
	return &user{world: w, did: out.DID, access: out.AccessJWT, refresh: out.RefreshJWT}
}

func signUpInput(name string) map[string]any {
	return map[string]any{"handle": name + ".test", "email": name + "@example.com", "password": name + "-password"}
}

// response is what came back.
type response struct {
	status int
	header http.Header
	body   []byte
}

// name is the error's name, "" if there is none.
func (r *response) name() string {
	var e struct{ Error string }
	json.Unmarshal(r.body, &e)
	return e.Error
}

func (r *response) String() string { return fmt.Sprintf("%d %s", r.status, r.body) }

// decode fails the test unless the response is a success.
func (r *response) decode(t testing.TB, out any) {
	t.Helper()
	if r.status != http.StatusOK {
		t.Fatalf("got %s", r)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(r.body, out); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
}

// refused fails the test unless the response is an error of that status and name, whose message contains text.
func (r *response) refused(t testing.TB, status int, name, text string) {
	t.Helper()
	if r.status != status || r.name() != name || !strings.Contains(string(r.body), text) {
		t.Errorf("got %s, want %d %s with %q", r, status, name, text)
	}
}

func (w *world) get(t testing.TB, token, method string, params ...string) *response {
	t.Helper()
	q := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	return w.do(t, "GET", "/xrpc/"+method+"?"+q.Encode(), token, "", nil)
}

func (w *world) logIn(t testing.TB, identifier, password string) *response {
	t.Helper()
	return w.post(t, "", server+"createSession", map[string]any{"identifier": identifier, "password": password})
}

func (w *world) post(t testing.TB, token, method string, body any) *response {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return w.do(t, "POST", "/xrpc/"+method, token, "application/json", bytes.NewReader(raw))
}

func (w *world) do(t testing.TB, verb, path, token, contentType string, body io.Reader) *response {
	t.Helper()
	if token != "" {
		token = "Bearer " + token
	}
	return w.doAs(t, verb, path, token, contentType, body)
}

func (w *world) doAs(t testing.TB, verb, path, authorization, contentType string, body io.Reader) *response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, verb, w.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &response{status: res.StatusCode, header: res.Header, body: b}
}

func (u *user) post(t testing.TB, method string, body any) *response {
	t.Helper()
	return u.world.post(t, u.access, method, body)
}

func (u *user) get(t testing.TB, method string, params ...string) *response {
	t.Helper()
	return u.world.get(t, u.access, method, params...)
}

type written struct {
	URI, CID string
	Commit   *struct{ CID, Rev string }
}

// create creates a post and returns what the server says of it.
func (u *user) create(t testing.TB, text string) written {
	t.Helper()
	var out written
	u.post(t, "com.atproto.repo.createRecord", map[string]any{
		"repo": u.did, "collection": "com.example.feed.post", "record": map[string]any{"text": text},
	}).decode(t, &out)
	return out
}

// login begins a new session.
func (w *world) login(t testing.TB, u *user) *user {
	t.Helper()
	var session struct{ Handle, AccessJWT, RefreshJWT string }
	account, err := w.config.Store.Account(t.Context(), u.did)
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(account.Handle.String(), ".")
	w.post(t, "", "com.atproto.server.createSession", map[string]any{
		"identifier": u.did, "password": name + "-password",
	}).decode(t, &session)
	return &user{world: w, did: u.did, access: session.AccessJWT, refresh: session.RefreshJWT}
}

// withClock has the server's time be what *now says.
func withClock(now *time.Time) func(*pds.Config) {
	return func(c *pds.Config) { c.Now = func() time.Time { return *now } }
}
