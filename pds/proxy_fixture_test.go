package pds_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	indigoauth "github.com/bluesky-social/indigo/atproto/auth"
	"github.com/bluesky-social/indigo/atproto/syntax"

	identities "github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/pds"
)

// upstream is a service that a test answers for. It has a DID of its own, by which clients can name it.
type upstream struct {
	*httptest.Server
	answer http.HandlerFunc

	mu       sync.Mutex
	requests []*http.Request
}

func newUpstream(t testing.TB, answer http.HandlerFunc) *upstream {
	t.Helper()
	u := &upstream{answer: answer}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/.well-known/did.json" {
			json.NewEncoder(w).Encode(map[string]any{"id": u.did(), "service": []any{
				map[string]any{"id": "#view", "type": "View", "serviceEndpoint": "http://localhost:" + u.port()},
				map[string]any{"id": "#below", "type": "View", "serviceEndpoint": "http://localhost:" + u.port() + "/path"},
			}})
			return
		}
		u.mu.Lock()
		u.requests = append(u.requests, r.Clone(context.Background()))
		u.mu.Unlock()
		u.answer(w, r)
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) port() string {
	_, port, _ := strings.Cut(u.Listener.Addr().String(), ":")
	return port
}

func (u *upstream) did() string { return "did:web:localhost%3A" + u.port() }

func (u *upstream) id() string { return u.did() + "#view" }

// last is the newest request.
func (u *upstream) last(t testing.TB) *http.Request {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.requests) == 0 {
		t.Fatal("the service got no request")
	}
	return u.requests[len(u.requests)-1]
}

func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.requests)
}

// serves has a service answer all methods by default.
func (u *upstream) serves(methods ...string) func(*pds.Config) {
	if methods == nil {
		methods = []string{"*"}
	}
	return func(c *pds.Config) {
		c.Proxy.Services = append(c.Proxy.Services, pds.Service{ID: u.id(), URL: u.URL, Methods: methods})
	}
}

func ok(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"ok":true}`)
}

// claims returns what a request's service token says, after upstream's validation of it.
func (w *world) claims(t testing.TB, r *http.Request, audience, method string) (header, claims map[string]any) {
	t.Helper()
	raw, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		t.Fatalf("the service got the credentials %q", r.Header.Get("Authorization"))
	}
	dir, err := identities.NewDirectory(identities.DirectoryConfig{PLCURL: w.directory.URL})
	if err != nil {
		t.Fatal(err)
	}
	v := indigoauth.ServiceAuthValidator{Audience: audience, Dir: dir}
	lxm := syntax.NSID(method)
	if _, err := v.Validate(t.Context(), raw, &lxm); err != nil {
		t.Fatalf("token for %s of %s: %v", method, audience, err)
	}
	return decodeToken(t, raw)
}

// with makes a request with headers, which come in pairs.
func (u *user) with(t testing.TB, verb, path string, body io.Reader, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), verb, u.world.url+"/xrpc/"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+u.access)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// read reads a response to its end.
func read(t testing.TB, res *http.Response) *response {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &response{status: res.StatusCode, header: res.Header, body: b}
}
