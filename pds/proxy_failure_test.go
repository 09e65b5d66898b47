package pds_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pdskit/pdskit/pds"
)

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
