package identity

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"code.dny.dev/ssrf"
)

func get(t *testing.T, c *http.Client, url string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) }
}

func TestGuardRefusesSpecialAddresses(t *testing.T) {
	c := NewGuardedClient(GuardConfig{AllowHTTP: true})
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "localhost", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
		"169.254.169.254", "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
		"[::]", "[::1]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]",
		"[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]",
		"[2002:7f00:1::]", "[2001::1]",
	} {
		for _, scheme := range []string{"http", "https"} {
			_, err := get(t, c, scheme+"://"+host+"/")
			if !errors.Is(err, ErrForbidden) || !errors.Is(err, ssrf.ErrProhibitedIP) {
				t.Errorf("%s://%s: %v", scheme, host, err)
			}
		}
	}
}

func TestGuardAllowsPublicAddresses(t *testing.T) {
	tests := []struct {
		config  GuardConfig
		address string
		allowed bool
	}{
		{GuardConfig{}, "93.184.216.34:443", true},
		{GuardConfig{}, "[2606:2800:220:1::1]:443", true},
		{GuardConfig{}, "93.184.216.34:80", false},
		{GuardConfig{AllowHTTP: true}, "93.184.216.34:80", true},
		{GuardConfig{}, "93.184.216.34:22", false},
		{GuardConfig{Ports: []uint16{8443}}, "93.184.216.34:8443", true},
		{GuardConfig{Ports: []uint16{8443}}, "93.184.216.34:443", false},
	}
	for _, test := range tests {
		network := "tcp4"
		if strings.HasPrefix(test.address, "[") {
			network = "tcp6"
		}
		if err := guardControl(test.config)(network, test.address, nil); (err == nil) != test.allowed {
			t.Errorf("%+v: %s: %v", test.config, test.address, err)
		}
	}
}

func TestGuardAndLoopback(t *testing.T) {
	srv := httptest.NewServer(text("hello"))
	defer srv.Close()
	if _, err := get(t, NewGuardedClient(GuardConfig{AllowHTTP: true}), srv.URL); !errors.Is(err, ErrForbidden) {
		t.Error(err)
	}
	if body, err := get(t, NewGuardedClient(GuardConfig{AllowPrivate: true}), srv.URL); body != "hello" || err != nil {
		t.Error(body, err)
	}
}

// allowing returns a guarded client that may connect to one test server beside the public internet.
func allowing(c GuardConfig, srv *httptest.Server) *http.Client {
	c.AllowHTTP = true
	guard := guardControl(c)
	return newGuardedClient(c, func(network, address string, conn syscall.RawConn) error {
		if address == srv.Listener.Addr().String() {
			return nil
		}
		return guard(network, address, conn)
	})
}

func TestGuardFollowsRedirectsWarily(t *testing.T) {
	inside := httptest.NewServer(text("secret"))
	defer inside.Close()
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	defer srv.Close()
	mux.Handle("/1", http.RedirectHandler("/0", http.StatusFound))
	mux.Handle("/2", http.RedirectHandler("/1", http.StatusFound))
	mux.Handle("/0", text("hello"))
	mux.Handle("/inside", http.RedirectHandler(inside.URL, http.StatusFound))
	mux.Handle("/file", http.RedirectHandler("file:///etc/passwd", http.StatusFound))
	mux.Handle("/credentials", http.RedirectHandler("http://a:b@"+srv.Listener.Addr().String()+"/0", http.StatusFound))

	two := GuardConfig{MaxRedirects: 2}
	for path, config := range map[string]GuardConfig{"/0": {MaxRedirects: -1}, "/1": {MaxRedirects: 1}, "/2": two} {
		if body, err := get(t, allowing(config, srv), srv.URL+path); body != "hello" || err != nil {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
	for path, config := range map[string]GuardConfig{
		"/1": {MaxRedirects: -1}, "/2": {MaxRedirects: 1}, "/inside": two, "/file": two, "/credentials": two,
	} {
		if body, err := get(t, allowing(config, srv), srv.URL+path); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
}

func TestGuardRefusesOtherURLs(t *testing.T) {
	c := NewGuardedClient(GuardConfig{})
	for _, url := range []string{"http://example.com/", "ftp://example.com/", "https://a:b@example.com/", "file:///x"} {
		if _, err := get(t, c, url); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", url, err)
		}
	}
	body := &closing{Reader: strings.NewReader("x")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com/", body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(req); !errors.Is(err, ErrForbidden) || !body.closed {
		t.Error(err, body.closed)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func TestGuardLimitsAnswers(t *testing.T) {
	const limit = 1000
	exact := strings.Repeat("x", limit)
	chunked := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, s[:1])
			w.(http.Flusher).Flush()
			io.WriteString(w, s[1:])
		}
	}
	zipped := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, s)
			z.Close()
		}
	}
	for name, test := range map[string]struct {
		handler  http.Handler
		max      int64
		tooLarge bool
	}{
		"as large as allowed":                  {text(exact), limit, false},
		"as large as allowed, in chunks":       {chunked(exact), limit, false},
		"as large as allowed, compressed":      {zipped(exact), limit, false},
		"larger":                               {text(exact + "x"), limit, true},
		"larger, in chunks":                    {chunked(exact + "x"), limit, true},
		"larger, compressed to less":           {zipped(exact + "x"), limit, true},
		"larger, but nobody minds":             {text(exact + "x"), -1, false},
		"larger than the limit that is normal": {chunked(strings.Repeat("x", 512<<10+1)), 0, true},
	} {
		srv := httptest.NewServer(test.handler)
		_, err := get(t, NewGuardedClient(GuardConfig{AllowPrivate: true, MaxBytes: test.max}), srv.URL)
		if errors.Is(err, ErrTooLarge) != test.tooLarge || (err != nil) != test.tooLarge {
			t.Errorf("%s: %v", name, err)
		}
		srv.Close()
	}
}

func TestGuardGivesUp(t *testing.T) {
	for name, config := range map[string]GuardConfig{
		"in all":     {AllowPrivate: true, Timeout: 20 * time.Millisecond},
		"on headers": {AllowPrivate: true, Timeout: -1, HeaderTimeout: 20 * time.Millisecond},
	} {
		done := make(chan struct{})
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
		_, err := get(t, NewGuardedClient(config), srv.URL)
		var timeout interface{ Timeout() bool }
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%s: %v", name, err)
		}
		close(done)
		srv.Close()
	}
}

func TestGuardKeepsToItself(t *testing.T) {
	var seen []*http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r)
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
	}))
	defer srv.Close()
	c := NewGuardedClient(GuardConfig{AllowPrivate: true, UserAgent: "pdskit"})
	for range 2 {
		if _, err := get(t, c, srv.URL); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen[1].Cookies()) > 0 || seen[1].UserAgent() != "pdskit" {
		t.Error(seen[1].Header)
	}
	if c.Transport.(*guardedTransport).transport.Proxy != nil {
		t.Error("a proxy is asked for")
	}
	c.CloseIdleConnections()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(req); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
