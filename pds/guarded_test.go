package pds_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
)

// publisher is a directory in which the account that publishes lexicons is on a server of the test's choice.
type publisher struct {
	pds.Directory
	key      string
	endpoint atomic.Pointer[string]
}

const publisherDID = syntax.DID("did:web:publisher.example.com")

func (p *publisher) LookupDID(ctx context.Context, did syntax.DID) (*identity.Identity, error) {
	if did != publisherDID {
		return p.Directory.LookupDID(ctx, did)
	}
	return &identity.Identity{
		DID:      did,
		Services: map[string]identity.ServiceEndpoint{"atproto_pds": {Type: "AtprotoPersonalDataServer", URL: *p.endpoint.Load()}},
		Keys:     map[string]identity.VerificationMethod{"atproto": {Type: "Multikey", PublicKeyMultibase: p.key}},
	}, nil
}

// startPublisher makes a world whose lexicons are published where the returned function, which looks one up, says.
func startPublisher(t *testing.T, development bool) (resolve func(endpoint string) *response) {
	t.Helper()
	key, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{Directory: &documents{}, key: public.Multibase()}
	w := start(t, func(c *pds.Config) {
		c.Directory, c.LexiconAuthority, c.Development = p, publisherDID, development
	})
	n := 0
	return func(endpoint string) *response {
		t.Helper()
		n++
		p.endpoint.Store(&endpoint)
		return w.get(t, "", "com.atproto.lexicon.resolveLexicon", "nsid", fmt.Sprintf("com.example.thing%d", n))
	}
}

// A lexicon's publisher doesn't make the server knock at doors of its own network.
func TestLexiconGuard(t *testing.T) {
	var connections atomic.Int64
	plain, secure := httptest.NewUnstartedServer(http.NotFoundHandler()), httptest.NewUnstartedServer(http.NotFoundHandler())
	for _, s := range []*httptest.Server{plain, secure} {
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
	}
	plain.Start()
	defer plain.Close()
	secure.StartTLS()
	defer secure.Close()
	u, err := url.Parse(secure.URL)
	if err != nil {
		t.Fatal(err)
	}
	resolve := startPublisher(t, false)
	for _, endpoint := range []string{
		plain.URL, secure.URL, "https://localhost:" + u.Port(), "https://[::1]:" + u.Port(),
		"https://[::ffff:127.0.0.1]:" + u.Port(), "https://[::ffff:7f00:1]:" + u.Port(), "https://0.0.0.0:" + u.Port(),
		"https://user:password@127.0.0.1:" + u.Port(), "https://10.0.0.1", "https://169.254.169.254", "https://[fe80::1]",
		"https://[fc00::1]", "https://[64:ff9b::7f00:1]", "http://192.0.2.1", "file:///etc/passwd", "https://",
	} {
		resolve(endpoint).refused(t, 400, "LexiconNotFound", "Could not resolve")
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
	startPublisher(t, true)(plain.URL)
	if connections.Load() == 0 {
		t.Error("in development there is no connection either: it isn't the guard that is tested")
	}
}

// A lexicon's server that answers without end, or redirects without end, is given up, and little of it is read.
func TestLexiconAnswers(t *testing.T) {
	const most = 16 << 20 // bytes that a server gets rid of, those in buffers of the system too
	for name, answer := range map[string]http.HandlerFunc{
		"endless":              func(w http.ResponseWriter, r *http.Request) {},
		"endlessly refusing":   func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(400) },
		"endlessly failing":    func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) },
		"a redirect to itself": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) },
	} {
		var written, requests atomic.Int64
		page := strings.Repeat(" ", 64<<10)
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			answer(w, r)
			for written.Load() < 2*most && !strings.Contains(name, "redirect") {
				n, err := io.WriteString(w, page)
				if written.Add(int64(n)); err != nil {
					return
				}
			}
		}))
		startPublisher(t, true)(front.URL).refused(t, 400, "LexiconNotFound", "Could not resolve")
		front.Close() // waits for the handlers
		if written.Load() > most || requests.Load() > 5 || requests.Load() == 0 {
			t.Errorf("%s: %d bytes in %d requests", name, written.Load(), requests.Load())
		}
	}
}

// A service that a client has named and that redirects, is silent, or stalls, is given up; the client learns it.
func TestGuardedServiceAnswers(t *testing.T) {
	done := make(chan struct{})
	defer close(done)
	other := newUpstream(t, ok)
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		status int // 0: the answer is cut off
	}{
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/xrpc/com.example.other", http.StatusTemporaryRedirect)
		}, 502},
		"silence": {func(w http.ResponseWriter, r *http.Request) { <-done }, 504},
		"a stall": {func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "{")
			w.(http.Flusher).Flush()
			<-done
		}, 0},
		"endless headers": {func(w http.ResponseWriter, r *http.Request) {
			for i := range 2000 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 100))
			}
		}, 502},
	} {
		view := newUpstream(t, test.answer)
		w := start(t, func(c *pds.Config) {
			c.Proxy.HeaderTimeout, c.Proxy.IdleTimeout = 100*time.Millisecond, 100*time.Millisecond
		})
		res := w.signUp(t, "alice").with(t, "GET", "com.example.thing", nil, "Atproto-Proxy", view.id())
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if test.status != 0 && (res.StatusCode != test.status || err != nil) || test.status == 0 && err == nil {
			t.Errorf("%s: %d %s, %v", name, res.StatusCode, body, err)
		}
		if view.count() != 1 {
			t.Errorf("%s: %d requests", name, view.count())
		}
	}
	if n := other.count(); n != 0 {
		t.Errorf("the redirect was followed %d times", n)
	}
}
