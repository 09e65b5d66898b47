package pds_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	indigoauth "github.com/bluesky-social/indigo/atproto/auth"
	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth"
	identities "github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/patch"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
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
func (u *upstream) id() string  { return u.did() + "#view" }

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

func TestProxyRequest(t *testing.T) {
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html")
		h.Set("Content-Language", "de")
		h.Set("Atproto-Repo-Rev", "3jzfcijpj2z2a")
		h.Set("Atproto-Content-Labelers", "did:web:labels.example.com")
		h.Set("X-Extra", "yes")
		h.Set("Set-Cookie", "a=b")
		h.Set("Access-Control-Allow-Origin", "https://other.example.com")
		h.Set("X-Secret", "no")
		w.WriteHeader(http.StatusAccepted)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.Method, body)
	})
	w := start(t, view.serves(), func(c *pds.Config) {
		c.Proxy.RequestHeaders = []string{"x-mine", "Authorization", "Accept-Encoding"}
		c.Proxy.ResponseHeaders = []string{"x-extra"}
	})
	alice := w.signUp(t, "alice")
	res := alice.with(t, "POST", "com.example.thing.do?a=1&a=%20%2F", strings.NewReader("hello"),
		"Content-Type", "text/plain; charset=utf-8", "Accept-Language", "de,en", "Atproto-Accept-Labelers", "did:web:labels.example.com",
		"X-Bsky-Topics", "cats", "X-Mine", "1", "Cookie", "a=b", "X-Forwarded-For", "192.0.2.1", "User-Agent", "browser", "X-Other", "1",
		"Accept-Encoding", "br, gzip;q=0.5")
	got := read(t, res)
	if got.status != http.StatusAccepted || string(got.body) != "POST hello" {
		t.Errorf("got %s", got)
	}
	r := view.last(t)
	if r.URL.Path != "/xrpc/com.example.thing.do" || r.URL.RawQuery != "a=1&a=%20%2F" || r.ContentLength != 5 {
		t.Errorf("the service is asked for %s, with %d bytes", r.URL, r.ContentLength)
	}
	want := http.Header{
		"Content-Type": {"text/plain; charset=utf-8"}, "Accept-Language": {"de,en"}, "Content-Length": {"5"},
		"Atproto-Accept-Labelers": {"did:web:labels.example.com"}, "X-Bsky-Topics": {"cats"}, "X-Mine": {"1"},
		"Accept-Encoding": {"gzip"}, "User-Agent": {"pdskit"}, "Authorization": r.Header["Authorization"],
	}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Errorf("request headers (-want +got):\n%s", diff)
	}
	delete(got.header, "Date")
	want = http.Header{
		"Content-Type": {"text/html"}, "Content-Language": {"de"}, "Content-Length": {"10"}, "Atproto-Repo-Rev": {"3jzfcijpj2z2a"},
		"Atproto-Content-Labelers": {"did:web:labels.example.com"}, "X-Extra": {"yes"},
		"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {"*"},
		"Cache-Control": {"private"}, "Vary": {"Authorization"},
		"X-Content-Type-Options": {"nosniff"}, "Content-Security-Policy": {"default-src 'none'; sandbox"},
	}
	if diff := cmp.Diff(want, got.header); diff != "" {
		t.Errorf("response headers (-want +got):\n%s", diff)
	}

	header, claims := w.claims(t, r, view.did(), "com.example.thing.do")
	if header["kid"] != "#atproto" || header["typ"] != "JWT" || header["alg"] != "ES256K" {
		t.Errorf("the token's header is %v", header)
	}
	if claims["iss"] != alice.did.String() || claims["exp"].(float64)-claims["iat"].(float64) != 60 || claims["jti"] == "" {
		t.Errorf("the token's claims are %v", claims)
	}
}

// A service is asked for what the client and the server both understand, and told of a body if there is one.
func TestProxyEncoding(t *testing.T) {
	view := newUpstream(t, ok)
	alice := start(t, view.serves()).signUp(t, "alice")
	alice.with(t, "GET", "com.example.thing", nil, "Content-Type", "text/plain", "Content-Language", "de")
	for _, name := range []string{"Content-Type", "Content-Language"} {
		if got := view.last(t).Header.Get(name); got != "" {
			t.Errorf("without a body, %s is %q", name, got)
		}
	}
	for accepted, want := range map[string]string{
		"br": "identity", "gzip": "gzip", "br, GZIP ; q=0.5": "gzip", "*": "gzip", "gzip;q=0": "identity",
		"*;q=0": "identity", "gzip;q=0, *": "identity", "*, gzip;q=0.0": "identity", "*;q=0, gzip": "gzip", "gzip;q=x": "identity",
	} {
		alice.with(t, "GET", "com.example.thing", nil, "Accept-Encoding", accepted)
		if got := view.last(t).Header.Get("Accept-Encoding"); got != want {
			t.Errorf("%q: the service is asked for %q, want %q", accepted, got, want)
		}
	}
}

// A service that a client names is found by its DID; the operator's choice is for those that name none.
func TestProxyTargets(t *testing.T) {
	all, some, one, named, inside := newUpstream(t, ok), newUpstream(t, ok), newUpstream(t, ok), newUpstream(t, ok), newUpstream(t, ok)
	const nextDoor = "did:web:inside.example.invalid" // which nobody resolves
	w := start(t, all.serves(), some.serves("com.example.*", "com.example.deep.one"), one.serves("com.example.deep.*", "com.example.one"),
		func(c *pds.Config) {
			c.Proxy.Services = append(c.Proxy.Services, pds.Service{ID: nextDoor + "#view", URL: inside.URL})
		})
	alice := w.signUp(t, "alice")
	for _, test := range []struct {
		method, header string
		want           *upstream
	}{
		{"org.example.thing", "", all},
		{"com.examples.thing", "", all},
		{"com.example.thing", "", some},
		{"com.example.deep.thing", "", one},
		{"com.example.deep.one", "", some},
		{"com.example.one", "", one},
		{"com.example.one", named.id(), named},
		{"com.example.one", some.id(), some},
		{"com.example.one", nextDoor + "#view", inside},
		{"com.atproto.identity.resolveIdentity", "", all},
	} {
		before := test.want.count()
		res := read(t, alice.with(t, "GET", test.method, nil, "Atproto-Proxy", test.header))
		if res.status != 200 || test.want.count() != before+1 {
			t.Errorf("%s %q: %s, and not by whom it should", test.method, test.header, res)
		}
		audience := test.want.did()
		if test.want == inside {
			audience = nextDoor
		}
		w.claims(t, test.want.last(t), audience, test.method)
	}
}

func TestProxyRefusals(t *testing.T) {
	view := newUpstream(t, ok)
	w := start(t, view.serves("com.example.*"))
	alice := w.signUp(t, "alice")
	for _, test := range []struct {
		verb, method, header string
		status               int
		name, text           string
	}{
		{"GET", "org.example.thing", "", 501, "MethodNotImplemented", ""},
		{"GET", "not-an-nsid", "", 400, "InvalidRequest", "NSID"},
		{"GET", "com.example.thing", "#view", 400, "InvalidRequest", "no did"},
		{"GET", "com.example.thing", "did:web:example.com", 400, "InvalidRequest", "no service id"},
		{"GET", "com.example.thing", "did:web:example.com#", 400, "InvalidRequest", "no service id"},
		{"GET", "com.example.thing", "did:web:example.com#a#b", 400, "InvalidRequest", "format"},
		{"GET", "com.example.thing", "did:web:example.com #a", 400, "InvalidRequest", "format"},
		{"GET", "com.example.thing", "did:web:example.com#a b", 400, "InvalidRequest", "format"},
		{"GET", "com.example.thing", "example.com#a", 400, "InvalidRequest", "format"},
		{"GET", "com.example.thing", "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa#a", 400, "InvalidRequest", "could not resolve proxy did"},
		{"GET", "com.example.thing", view.did() + "#other", 400, "InvalidRequest", "service url"},
		{"GET", "com.example.thing", view.did() + "#below", 400, "InvalidRequest", "service url"},
		{"PUT", "com.example.thing", "", 400, "InvalidRequest", "GET and POST"},
		{"GET", "com.atproto.identity.signPlcOperation", view.id(), 400, "InvalidToken", "Bad token method"},
		{"POST", "com.atproto.Server.UpdateEmail", view.id(), 400, "InvalidToken", "Bad token method"},
	} {
		read(t, alice.with(t, test.verb, test.method, nil, "Atproto-Proxy", test.header)).refused(t, test.status, test.name, test.text)
	}
	w.get(t, "", "com.example.thing").refused(t, 401, "AuthMissing", "")
	w.get(t, "", "org.example.thing").refused(t, 501, "MethodNotImplemented", "")
	w.get(t, "x.y.z", "com.example.thing").refused(t, 400, "InvalidToken", "")
	w.doAs(t, "GET", "/xrpc/com.example.thing", basic("admin-password"), "", nil).refused(t, 400, "InvalidToken", "")
	if view.count() != 0 {
		t.Errorf("the service got %d requests", view.count())
	}

	w.setStatus(t, alice, func(a *storage.Account) { a.DeactivatedAt = time.Now() })
	alice.get(t, "com.example.thing").decode(t, nil)
	w.setStatus(t, alice, func(a *storage.Account) { a.TakedownRef = "x" })
	alice.get(t, "com.example.thing").refused(t, 401, "AccountTakedown", "")
}

// Who isn't logged in by the account's own password, or an app password that is privileged, reads no private messages.
func TestProxyByTokenKind(t *testing.T) {
	view := newUpstream(t, ok)
	w := start(t, view.serves(), withApps)
	alice := w.signUp(t, "alice")
	const chat, plain, report = "chat.bsky.convo.getLog", "com.example.thing", "com.atproto.moderation.createReport"
	for _, test := range []struct {
		scope, method string
		name          string // of the error
	}{
		{auth.ScopeAccess, chat, ""},
		{auth.ScopeAppPassPrivileged, chat, ""},
		{auth.ScopeAppPass, chat, "InvalidToken"},
		{auth.ScopeAppPass, "CHAT.bsky.convo.getlog", "InvalidToken"},
		{auth.ScopeAppPass, plain, ""},
		{auth.ScopeTakendown, plain, "InvalidToken"},
		{auth.ScopeTakendown, report, ""},
	} {
		token := w.token(t, alice.did, test.scope)
		res := w.do(t, "GET", "/xrpc/"+test.method, token, "", nil)
		if res.name() != test.name || (res.status == 200) != (test.name == "") {
			t.Errorf("%s by %s: %s", test.method, test.scope, res)
		}
	}
	for _, test := range []struct {
		scope, method string
		name          string
	}{
		{"atproto rpc:com.example.thing?aud=" + url.QueryEscape(view.id()), plain, ""},
		{"atproto rpc:com.example.thing?aud=*", plain, ""},
		{"atproto rpc:com.example.thing?aud=did:web:other.example.com%23view", plain, "ScopeMissingError"},
		{"atproto rpc:com.example.other?aud=*", plain, "ScopeMissingError"},
		{"rpc:com.example.thing?aud=*", plain, "ScopeMissingError"},
		{"atproto transition:generic", plain, ""},
		{"atproto transition:generic", chat, "ScopeMissingError"},
		{"atproto transition:chat.bsky", chat, ""},
	} {
		res := w.asApp(t, alice, test.scope, "GET", test.method, nil)
		if res.name() != test.name || (res.status == 200) != (test.name == "") {
			t.Errorf("%s by %q: %s", test.method, test.scope, res)
		}
	}
}

// What a service answers in trouble, or in malice, is told for what it is.
func TestProxyFailures(t *testing.T) {
	done := make(chan struct{})
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		status int
		name   string
		text   string
	}{
		"an error": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(404)
			io.WriteString(w, `{"error":"NotFound","message":"no such thing","more":1}`)
		}, 404, "NotFound", "no such thing"},
		"a compressed error": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(400)
			z := gzip.NewWriter(w)
			io.WriteString(z, `{"error":"BadThing","message":"x"}`)
			z.Close()
		}, 400, "BadThing", ""},
		"an internal error": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }, 502, "UpstreamFailure", ""},
		"an unusual status": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(418) }, 418, "UpstreamFailure", ""},
		"a rate limit":      {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(429) }, 429, "RateLimitExceeded", ""},
		"a page": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(503)
			io.WriteString(w, `<script>alert(1)</script>`)
		}, 503, "NotEnoughResources", "Upstream service failed"},
		"no name": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			io.WriteString(w, `{"error":"two words\n","message":""}`)
		}, 400, "InvalidRequest", ""},
		"a long name": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error":%q,"message":"x"}`, strings.Repeat("x", 101))
		}, 400, "InvalidRequest", "x"},
		"a long message": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error":"Long","message":"x%s"}`, strings.Repeat("é", 2000))
		}, 400, "Long", `"message":"x` + strings.Repeat("é", 999) + `"`},
		"30 MB of junk": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			junk := []byte(strings.Repeat("[", 1<<20))
			for range 30 {
				if _, err := w.Write(junk); err != nil {
					return
				}
			}
		}, 400, "InvalidRequest", "Upstream service failed"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/xrpc/com.example.other", http.StatusFound)
		}, 502, "UpstreamFailure", ""},
		"a redirect to nowhere": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(302) }, 502, "UpstreamFailure", ""},
		"not modified":          {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) }, 502, "UpstreamFailure", ""},
		"no answer":             {func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, 502, "UpstreamFailure", "unreachable"},
		"silence":               {func(w http.ResponseWriter, r *http.Request) { <-done }, 504, "UpstreamTimeout", "timed out"},
		"endless headers": {func(w http.ResponseWriter, r *http.Request) {
			for i := range 2000 {
				w.Header().Set("X-"+strconv.Itoa(i), strings.Repeat("x", 100))
			}
		}, 502, "UpstreamFailure", ""},
	} {
		t.Run(name, func(t *testing.T) {
			view := newUpstream(t, test.answer)
			if name == "silence" {
				defer close(done)
			}
			w := start(t, view.serves(), func(c *pds.Config) { c.Proxy.HeaderTimeout = 100 * time.Millisecond })
			alice := w.signUp(t, "alice")
			for _, header := range []string{"", view.id()} {
				res := read(t, alice.with(t, "GET", "com.example.thing", nil, "Atproto-Proxy", header))
				res.refused(t, test.status, test.name, test.text)
				if name == "an error" && res.header.Get("Retry-After") != "7" {
					t.Errorf("the headers are %v", res.header)
				}
			}
		})
	}
	t.Run("nobody", func(t *testing.T) {
		view := newUpstream(t, ok)
		var log bytes.Buffer
		w := start(t, view.serves(), func(c *pds.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		view.Close()
		w.signUp(t, "alice").get(t, "com.example.thing", "q", "private").refused(t, 502, "UpstreamFailure", "unreachable")
		if !strings.Contains(log.String(), "refused") || strings.Contains(log.String(), "private") {
			t.Errorf("the log says %s", &log)
		}
	})
}

// An answer that breaks off, or stalls, looks like neither a whole one nor an error.
func TestProxyBrokenAnswers(t *testing.T) {
	done := make(chan struct{})
	defer close(done)
	half := strings.Repeat("x", 16<<10)
	for name, answer := range map[string]http.HandlerFunc{
		"too short": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(half)+1))
			io.WriteString(w, half)
		},
		"stalls": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, half)
			w.(http.Flusher).Flush()
			<-done
		},
	} {
		view := newUpstream(t, answer)
		w := start(t, view.serves(), func(c *pds.Config) { c.Proxy.IdleTimeout = 100 * time.Millisecond })
		res := w.signUp(t, "alice").with(t, "GET", "com.example.thing", nil)
		body, err := io.ReadAll(res.Body)
		if res.StatusCode != 200 || !strings.HasPrefix(half, string(body)) || err == nil {
			t.Errorf("%s: %d with %d bytes, %v", name, res.StatusCode, len(body), err)
		}
	}
}

// An answer may take longer to begin than to go on, and neither the service nor the server waits that long for a request.
func TestProxyTimeouts(t *testing.T) {
	const idle = 100 * time.Millisecond
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		select {
		case <-time.After(3 * idle):
			if r.Method == "POST" {
				w.WriteHeader(400)
				return
			}
			ok(w, r)
		case <-r.Context().Done():
		}
	})
	w := start(t, view.serves(), func(c *pds.Config) { c.Proxy.IdleTimeout, c.Proxy.HeaderTimeout = idle, time.Hour })
	alice := w.signUp(t, "alice")
	alice.get(t, "com.example.thing").decode(t, nil)
	read(t, alice.with(t, "POST", "com.example.thing", strings.NewReader("x"))).refused(t, 400, "InvalidRequest", "")
	stalled, client := io.Pipe()
	defer client.Close()
	go io.WriteString(client, "x")
	read(t, alice.with(t, "POST", "com.example.thing", stalled)).refused(t, 504, "UpstreamTimeout", "timed out")
}

// Bodies of 50 MB go through in bounded memory, either way, and as they come.
func TestProxyStreams(t *testing.T) {
	const size = 50 << 20
	chunk := []byte(strings.Repeat("0123456789abcdef", 1<<12))
	next := make(chan struct{})
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/xrpc/com.example.down":
			for range size / len(chunk) {
				w.Write(chunk)
			}
		case "/xrpc/com.example.up":
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n, err)
		case "/xrpc/com.example.slow":
			for range 3 {
				io.WriteString(w, "x")
				w.(http.Flusher).Flush()
				<-next
			}
		}
	})
	w := start(t, view.serves())
	alice := w.signUp(t, "alice")
	allocated := func(do func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	down := allocated(func() {
		n, err := io.Copy(io.Discard, alice.with(t, "GET", "com.example.down", nil).Body)
		if n != size || err != nil {
			t.Errorf("down: %d bytes, %v", n, err)
		}
	})
	up := allocated(func() {
		body := io.LimitReader(repeat(chunk), size)
		if res := read(t, alice.with(t, "POST", "com.example.up", body, "Content-Type", "a/b")); string(res.body) != "52428800 <nil>" {
			t.Errorf("up: %s", res)
		}
	})
	if limit := uint64(4 << 20); down > limit || up > limit {
		t.Errorf("allocated %d bytes on the way down and %d up", down, up)
	}
	res := alice.with(t, "GET", "com.example.slow", nil)
	for range 3 {
		b := make([]byte, 8)
		if n, err := res.Body.Read(b); n != 1 || err != nil {
			t.Fatalf("a piece of %d bytes, %v", n, err)
		}
		next <- struct{}{}
	}
}

func TestProxyMaxRequest(t *testing.T) {
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		ok(w, r)
	})
	w := start(t, view.serves(), func(c *pds.Config) { c.Proxy.MaxRequest = 10 })
	alice := w.signUp(t, "alice")
	for _, body := range []string{"0123456789", "0123456789a"} {
		for _, r := range []io.Reader{strings.NewReader(body), io.MultiReader(strings.NewReader(body))} {
			res := read(t, alice.with(t, "POST", "com.example.up", r))
			if len(body) <= 10 {
				res.decode(t, nil)
			} else {
				res.refused(t, 413, "PayloadTooLarge", "")
			}
		}
	}
}

// repeat yields a chunk again and again.
type repeat []byte

func (r repeat) Read(p []byte) (int, error) { return copy(p, r), nil }

// A client that leaves takes the service's request with it.
func TestProxyClientLeaves(t *testing.T) {
	arrived, ended := make(chan struct{}), make(chan struct{})
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(ended)
	})
	w := start(t, view.serves())
	alice := w.signUp(t, "alice")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	req, _ := http.NewRequestWithContext(ctx, "GET", w.url+"/xrpc/com.example.thing", nil)
	req.Header.Set("Authorization", "Bearer "+alice.access)
	if res, err := http.DefaultClient.Do(req); err == nil {
		t.Errorf("got %s", res.Status)
	}
	<-ended
}

// A client that takes nothing is let go, and lets the service go.
func TestProxyClientStalls(t *testing.T) {
	const method = "com.example.thing"
	answered, ended := make(chan struct{}), make(chan struct{})
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		chunk := make([]byte, 1<<20)
		for err := error(nil); err == nil; {
			_, err = w.Write(chunk)
		}
	})
	w := start(t, view.serves(), func(c *pds.Config) {
		c.Proxy.IdleTimeout = 100 * time.Millisecond
		c.Hooks.Measure = func(_ context.Context, m xrpc.Measurement) {
			if m.Method == method {
				close(answered)
			}
		}
	})
	alice := w.signUp(t, "alice")
	alice.with(t, "GET", method, nil)
	<-answered
	<-ended
}

// pipe is a listener for connections that buffer nothing.
type pipe chan net.Conn

func (p pipe) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipe) Close() error   { return nil }
func (p pipe) Addr() net.Addr { return &net.UnixAddr{} }

// stalls asks for a method over a connection from which it takes nothing, and returns when the server has closed it.
func (u *user) stalls(t testing.TB, method string) {
	t.Helper()
	closed := make(chan struct{})
	server := &http.Server{Handler: u.world, ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(closed)
		}
	}}
	client, conn := net.Pipe()
	defer client.Close()
	p := make(pipe, 1)
	p <- conn
	close(p)
	server.Serve(p)
	fmt.Fprintf(client, "GET /xrpc/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", method, u.access)
	<-closed
}

// So is one that doesn't take the last bytes of an answer.
func TestProxyClientStallsAtEnd(t *testing.T) {
	view := newUpstream(t, ok)
	w := start(t, view.serves(), func(c *pds.Config) { c.Proxy.IdleTimeout = 100 * time.Millisecond })
	w.signUp(t, "alice").stalls(t, "com.example.thing")
}

func TestProxySubscription(t *testing.T) {
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/xrpc/com.example.refused" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(403)
			io.WriteString(w, `{"error":"Forbidden","message":"not you"}`)
			return
		}
		if r.URL.Path == "/xrpc/com.example.plain" {
			ok(w, r)
			return
		}
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"x.example"}})
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(-1)
		for {
			kind, b, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if c.Write(r.Context(), kind, append([]byte(r.URL.RawQuery+" "), b...)) != nil {
				return
			}
		}
	})
	w := start(t, view.serves(), func(c *pds.Config) { c.Proxy.SocketTimeout = 5 * time.Second })
	alice := w.signUp(t, "alice")
	dial := func(method string, authorization string, header string) (*websocket.Conn, *http.Response, error) {
		return websocket.Dial(t.Context(), w.url+"/xrpc/"+method, &websocket.DialOptions{
			HTTPHeader:      http.Header{"Authorization": {authorization}, "Atproto-Proxy": {header}},
			Subprotocols:    []string{"x.example"},
			CompressionMode: websocket.CompressionContextTakeover,
		})
	}
	for _, header := range []string{"", view.id()} {
		c, _, err := dial("com.example.subscribe?cursor=7", "Bearer "+alice.access, header)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		if c.Subprotocol() != "x.example" {
			t.Errorf("the subprotocol is %q", c.Subprotocol())
		}
		c.SetReadLimit(-1)
		for _, n := range []int{0, 3, 1 << 20} {
			sent := strings.Repeat("x", n)
			if err := c.Write(t.Context(), websocket.MessageText, []byte(sent)); err != nil {
				t.Fatal(err)
			}
			if _, got, err := c.Read(t.Context()); err != nil || string(got) != "cursor=7 "+sent {
				t.Fatalf("%d bytes: got %d, %v", n, len(got), err)
			}
		}
		w.claims(t, view.last(t), view.did(), "com.example.subscribe")
		if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
			t.Error(err)
		}
	}
	for method, want := range map[string]int{"com.example.refused": 403, "com.example.plain": 502} {
		if _, res, err := dial(method, "Bearer "+alice.access, ""); err == nil || res == nil || res.StatusCode != want {
			t.Errorf("%s: %v, %v", method, res, err)
		}
	}
	if _, res, err := dial("com.example.subscribe", "", ""); err == nil || res == nil || res.StatusCode != 401 {
		t.Errorf("anonymous: %v, %v", res, err)
	}
}

// A socket on which nothing happens is closed, though it may take longer to be made. It is measured as what it was.
func TestProxySubscriptionStalls(t *testing.T) {
	const idle = 100 * time.Millisecond
	gone := make(chan error, 1)
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(3 * idle):
		case <-r.Context().Done():
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		_, _, err = c.Read(context.Background())
		gone <- err
	})
	measured := make(chan xrpc.Measurement, 1)
	w := start(t, view.serves(), func(c *pds.Config) {
		c.Proxy.SocketTimeout = idle
		c.Hooks.Measure = func(_ context.Context, m xrpc.Measurement) {
			if m.Method == "com.example.subscribe" {
				measured <- m
			}
		}
	})
	alice := w.signUp(t, "alice")
	c, _, err := websocket.Dial(t.Context(), w.url+"/xrpc/com.example.subscribe",
		&websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + alice.access}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if _, _, err := c.Read(t.Context()); err == nil {
		t.Error("the client's connection goes on")
	}
	if err := <-gone; err == nil {
		t.Error("the service's connection goes on")
	}
	if m := <-measured; m.Status != http.StatusSwitchingProtocols || m.Error != "" {
		t.Errorf("measured as %+v", m)
	}
}

// Subscriptions that are passed on count like those that end here.
func TestProxySubscriptionsPerAddress(t *testing.T) {
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.Read(context.Background()) // until it is closed
	})
	w := start(t, view.serves(), func(c *pds.Config) { c.StreamsPerAddress = 1 })
	alice := w.signUp(t, "alice")
	dial := func(method string) (*websocket.Conn, int) {
		t.Helper()
		c, res, err := websocket.Dial(t.Context(), w.url+"/xrpc/"+method,
			&websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + alice.access}}})
		if res == nil {
			t.Fatal(err)
		}
		if err == nil {
			t.Cleanup(func() { c.CloseNow() })
		}
		return c, res.StatusCode
	}
	first, status := dial("com.example.subscribe")
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", status)
	}
	for _, method := range []string{"com.example.subscribe", "com.atproto.sync.subscribeRepos"} {
		if _, status := dial(method); status != http.StatusTooManyRequests {
			t.Errorf("a second one, %s: status %d", method, status)
		}
	}
	first.CloseNow()
	for { // until the server has noticed
		if _, status := dial("com.example.subscribe"); status == http.StatusSwitchingProtocols {
			return
		}
	}
}

// documents is a directory in which a test decides where services are.
type documents struct {
	pds.Directory
	mu        sync.Mutex
	endpoints map[syntax.DID]string
}

func (d *documents) ResolveDIDRaw(ctx context.Context, did syntax.DID) (json.RawMessage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	endpoint, ok := d.endpoints[did]
	if !ok {
		return d.Directory.ResolveDIDRaw(ctx, did)
	}
	return json.Marshal(identity.DIDDocument{DID: did, Service: []identity.DocService{
		{ID: "#view", Type: "View", ServiceEndpoint: endpoint},
	}})
}

// Nobody makes the server knock at doors of its own network.
func TestProxyGuard(t *testing.T) {
	var connections atomic.Int64
	count := func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	inside, tls := httptest.NewUnstartedServer(http.HandlerFunc(ok)), httptest.NewUnstartedServer(http.HandlerFunc(ok))
	inside.Config.ConnState, tls.Config.ConnState = count, count
	inside.Start()
	t.Cleanup(inside.Close)
	tls.StartTLS()
	t.Cleanup(tls.Close)
	dir := &documents{endpoints: map[syntax.DID]string{}}
	w := start(t, func(c *pds.Config) {
		plain, err := identities.NewDirectory(identities.DirectoryConfig{PLCURL: c.PLCURL})
		if err != nil {
			t.Fatal(err)
		}
		dir.Directory, c.Directory, c.Development = plain, dir, false
	})
	alice := w.signUp(t, "alice")
	secure, err := url.Parse(tls.URL)
	if err != nil {
		t.Fatal(err)
	}
	for i, endpoint := range []string{
		inside.URL, tls.URL, "https://localhost:" + secure.Port(), "https://[::1]:" + secure.Port(),
		"https://[::ffff:127.0.0.1]:" + secure.Port(), "https://[::ffff:7f00:1]:" + secure.Port(), "https://2130706433:" + secure.Port(),
		"https://0.0.0.0:" + secure.Port(), "https://10.0.0.1", "https://192.168.0.1", "https://172.16.0.1", "https://169.254.169.254",
		"https://[fe80::1]", "https://[fc00::1]", "https://[64:ff9b::7f00:1]", "https://100.64.0.1", "http://192.0.2.1", "ftp://example.com",
		"https://user:password@example.com", "file:///etc/passwd", "https://", "",
	} {
		did := syntax.DID(fmt.Sprintf("did:web:%d.example.com", i))
		dir.mu.Lock()
		dir.endpoints[did] = endpoint
		dir.mu.Unlock()
		for _, headers := range [][]string{
			{"Atproto-Proxy", did.String() + "#view"},
			{"Atproto-Proxy", did.String() + "#view", "Connection", "Upgrade", "Upgrade", "websocket",
				"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version", "13"},
		} {
			res := read(t, alice.with(t, "GET", "com.example.thing", nil, headers...))
			if res.status != 502 && res.status != 400 {
				t.Errorf("%s: %s", endpoint, res)
			}
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestProxyGetFeed(t *testing.T) {
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch q := r.URL.Query(); {
		case r.URL.Path == "/xrpc/app.bsky.feed.getFeed":
			io.WriteString(w, `{"feed":[]}`)
		case q.Get("rkey") == "junk":
			io.WriteString(w, strings.Repeat("[", 1<<20))
		case q.Get("rkey") == "number":
			io.WriteString(w, `{"uri":"x","value":{"did":5}}`)
		case q.Get("rkey") == "name":
			io.WriteString(w, `{"uri":"x","value":{"did":"feed.example.com"}}`)
		case q.Get("rkey") == "none":
			io.WriteString(w, `{"uri":"x","value":{}}`)
		case q.Get("rkey") == "missing":
			w.WriteHeader(400)
			io.WriteString(w, `{"error":"RecordNotFound","message":"Could not locate record"}`)
		case r.Header.Get("Authorization") == "" && q.Get("collection") == "app.bsky.feed.generator":
			io.WriteString(w, `{"uri":"x","value":{"did":"did:web:feed.example.com"}}`)
		default:
			w.WriteHeader(400)
		}
	})
	w := start(t, view.serves(), func(c *pds.Config) { c.Proxy.ServiceAudience = true }, withApps)
	alice := w.signUp(t, "alice")
	feed := "at://did:web:someone.example.com/app.bsky.feed.generator/"
	alice.get(t, "app.bsky.feed.getFeed", "feed", feed+"cats").decode(t, nil)
	w.claims(t, view.last(t), "did:web:feed.example.com", "app.bsky.feed.getFeedSkeleton")

	for _, rkey := range []string{"none", "number", "name"} {
		alice.get(t, "app.bsky.feed.getFeed", "feed", feed+rkey).refused(t, 400, "UnknownFeed", "")
	}
	alice.get(t, "app.bsky.feed.getFeed", "feed", feed+"missing").refused(t, 400, "RecordNotFound", "")
	alice.get(t, "app.bsky.feed.getFeed", "feed", feed+"junk").refused(t, 502, "UpstreamFailure", "")
	alice.get(t, "app.bsky.feed.getFeed", "feed", "cats").refused(t, 400, "InvalidRequest", "feed")
	alice.get(t, "app.bsky.feed.getFeed").refused(t, 400, "InvalidRequest", "feed")

	only := "atproto rpc:app.bsky.feed.getFeed?aud=*"
	w.asApp(t, alice, only, "GET", "app.bsky.feed.getFeed?feed="+feed+"cats", nil).refused(t, 403, "ScopeMissingError", "getFeedSkeleton")
	w.asApp(t, alice, only+" rpc:app.bsky.feed.getFeedSkeleton?aud=*", "GET", "app.bsky.feed.getFeed?feed="+feed+"cats", nil).decode(t, nil)

}

// A device is registered with the service that the body names, or the header if there is one.
func TestProxyPush(t *testing.T) {
	view, push, other := newUpstream(t, ok), newUpstream(t, ok), newUpstream(t, ok)
	w := start(t, view.serves(), withApps, func(c *pds.Config) {
		c.Proxy.Services = append(c.Proxy.Services, pds.Service{ID: push.did() + "#bsky_notif", URL: push.URL})
	})
	alice := w.signUp(t, "alice")
	const register, unregister = "app.bsky.notification.registerPush", "app.bsky.notification.unregisterPush"
	body := func(service string) object {
		return object{"serviceDid": service, "token": "t", "platform": "ios", "appId": "a"}
	}
	for _, method := range []string{register, unregister} {
		for _, service := range []*upstream{view, push} {
			alice.post(t, method, body(service.did())).decode(t, nil)
			r := service.last(t)
			w.claims(t, r, service.did(), method)
			if r.ContentLength <= 0 || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d bytes, %v", method, r.ContentLength, r.Header)
			}
		}
		if view.count() != push.count() {
			t.Errorf("%s: %d and %d requests", method, view.count(), push.count())
		}
	}
	raw := `{"serviceDid":"` + push.did() + `"}`
	res := read(t, alice.with(t, "POST", register, strings.NewReader(raw), "Atproto-Proxy", other.id(), "Content-Type", "application/json"))
	if res.status != 200 || other.count() != 1 {
		t.Errorf("by the header: %s", res)
	}
	alice.post(t, register, body(other.did())).refused(t, 400, "InvalidRequest", "service url")
	for _, wrong := range []object{{}, {"serviceDid": "push.example.com"}, {"serviceDid": 7}} {
		alice.post(t, register, wrong).refused(t, 400, "InvalidRequest", "serviceDid")
	}
	for scope, status := range map[string]int{
		"atproto rpc:" + register + "?aud=" + url.QueryEscape(push.did()) + "%23bsky_notif": 200,
		"atproto rpc:" + register + "?aud=" + url.QueryEscape(view.did()) + "%23bsky_notif": 403,
		"atproto rpc:" + unregister + "?aud=*":                                              403,
	} {
		if res := w.asApp(t, alice, scope, "POST", register, strings.NewReader(raw)); res.status != status {
			t.Errorf("%s: %s", scope, res)
		}
	}
	anybody := &user{world: w}
	anybody.post(t, register, body(push.did())).refused(t, 401, "AuthMissing", "")
}

func TestProxyConfig(t *testing.T) {
	base := start(t).config
	for _, service := range []pds.Service{
		{ID: "did:web:example.com", Methods: []string{"*"}},
		{ID: "#x", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", URL: "example.com", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", URL: "https://example.com/path", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", URL: "https://user@example.com", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", URL: "https://example.com?x", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", URL: "https://example.com#x", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", Methods: []string{"com.example*"}},
	} {
		c := base
		c.Proxy.Services = []pds.Service{service}
		if _, err := pds.New(c); err == nil {
			t.Errorf("%+v is accepted", service)
		}
	}
	apply := func(context.Context, *patch.Answer) error { return nil }
	for _, p := range []patch.Patch{
		{Method: "com.example.thing", Apply: apply},
		{Method: "com.example.thing", Collections: []syntax.NSID{"com.example.record"}},
		{Collections: []syntax.NSID{"com.example.record"}, Apply: apply},
	} {
		c := base
		c.Proxy.Patches = []patch.Patch{p}
		if _, err := pds.New(c); err == nil {
			t.Errorf("the patch of %q is accepted", p.Method)
		}
	}
}
