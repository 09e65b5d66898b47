package pds_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

func TestPages(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	for path, want := range map[string]string{
		"/":                     "AT Protocol Personal Data Server",
		"/robots.txt":           "User-agent",
		"/xrpc/_health":         `{"version":"pdskit `,
		"/.well-known/did.json": `"did:web:127.0.0.1"`,
	} {
		if r := w.do(t, "GET", path, "", "", nil); r.status != 200 || !strings.Contains(string(r.body), want) {
			t.Errorf("%s: %s", path, r)
		}
	}
	if r := w.do(t, "GET", "/nowhere", "", "", nil); r.status != 404 {
		t.Errorf("an unknown path: %s", r)
	}
	for host, want := range map[string]string{
		"alice.test": alice.did.String(), "ALICE.test:443": alice.did.String(), "bob.test": "User not found\n",
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/.well-known/atproto-did", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != want {
			t.Errorf("atproto-did of %s: %d %s", host, res.StatusCode, body)
		}
	}
}

// broken is a store that doesn't answer.
type broken struct{ storage.Store }

func (broken) LastSeq(context.Context) (int64, error) { return 0, errors.New("the disk is on fire") }

func TestUnhealthy(t *testing.T) {
	w := start(t, func(c *pds.Config) { c.Store = broken{memory.New()} })
	r := w.do(t, "GET", "/xrpc/_health", "", "", nil)
	if r.status != 503 || strings.Contains(string(r.body), "fire") {
		t.Errorf("got %s", r)
	}
}

// TestMountBeside: whatever a host has for the rest of its paths doesn't stand in the way.
func TestMountBeside(t *testing.T) {
	w := start(t)
	for _, pattern := range []string{"/", "GET /", "POST /", "/{page}", "GET /{page}", "/{$}"} {
		mux := http.NewServeMux()
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the host's") })
		w.Mount(mux)
		for request, want := range map[string]string{
			"GET /xrpc/com.atproto.server.describeServer":   "availableUserDomains",
			"HEAD /xrpc/com.atproto.server.describeServer":  "",
			"POST /xrpc/com.atproto.server.createSession":   "InvalidRequest",
			"OPTIONS /xrpc/com.atproto.server.createRecord": "",
			"GET /.well-known/did.json":                     "did:web:",
		} {
			verb, path, _ := strings.Cut(request, " ")
			recorder := httptest.NewRecorder()
			mux.ServeHTTP(recorder, httptest.NewRequest(verb, path, nil))
			body := recorder.Body.String()
			if !strings.Contains(body, want) || body == "the host's" || recorder.Code == http.StatusMethodNotAllowed {
				t.Errorf("beside %s, %s: %d %s", pattern, request, recorder.Code, body)
			}
		}
	}
	recorder := httptest.NewRecorder() // on a host of its own, it is the server who answers
	w.ServeHTTP(recorder, httptest.NewRequest("PUT", "/xrpc/com.atproto.server.describeServer", nil))
	if recorder.Code != http.StatusBadRequest || !strings.Contains(recorder.Body.String(), "InvalidRequest") {
		t.Errorf("PUT: %d %s", recorder.Code, recorder.Body)
	}
}

// Mounted on somebody's mux, the server takes exactly its own paths.
func TestMount(t *testing.T) {
	w := start(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) { rw.Write([]byte("the host's")) })
	mux.HandleFunc("GET /robots.txt", func(rw http.ResponseWriter, r *http.Request) { rw.Write([]byte("the host's")) })
	w.Mount(mux)
	for path, theirs := range map[string]bool{
		"/": true, "/robots.txt": true, "/api/x": true, "/.well-known/other": true,
		"/xrpc/_health": false, "/xrpc/com.atproto.server.describeServer": false, "/.well-known/did.json": false,
	} {
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if got := rec.Body.String() == "the host's"; got != theirs {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}
