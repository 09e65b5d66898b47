package pds_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pdskit/pdskit/pds"
)

// dialAs opens a subscription as a client behind a proxy, and returns the answer's status.
func (w *world) dialAs(t *testing.T, address string) (*websocket.Conn, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, res, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.url, "http")+"/xrpc/com.atproto.sync.subscribeRepos",
		&websocket.DialOptions{HTTPHeader: http.Header{"X-Forwarded-For": {address}}})
	if res == nil {
		t.Fatal(err)
	}
	if err == nil {
		t.Cleanup(func() { conn.CloseNow() })
	}
	return conn, res.StatusCode
}

func TestSubscriptionsPerAddress(t *testing.T) {
	w := start(t, func(c *pds.Config) { c.StreamsPerAddress = 2 })
	first, _ := w.dialAs(t, "2001:db8:0:1::1")
	for _, c := range []struct {
		address string
		status  int
	}{
		{"2001:db8:0:1::2", http.StatusSwitchingProtocols},
		{"2001:db8:0:1:ffff::3", http.StatusTooManyRequests}, // of the same /64
		{"2001:db8:0:2::1", http.StatusSwitchingProtocols},
		{"203.0.113.7", http.StatusSwitchingProtocols},
		{"203.0.113.7", http.StatusSwitchingProtocols},
		{"203.0.113.7", http.StatusTooManyRequests},
		{"203.0.113.8", http.StatusSwitchingProtocols},
	} {
		if _, status := w.dialAs(t, c.address); status != c.status {
			t.Errorf("%s: status %d, want %d", c.address, status, c.status)
		}
	}
	first.CloseNow()
	for { // until the server has noticed
		if _, status := w.dialAs(t, "2001:db8:0:1::4"); status == http.StatusSwitchingProtocols {
			return
		}
	}
}

// subscribeSlowly opens a subscription of a client whose system buffers little.
func (w *world) subscribeSlowly(t *testing.T) *subscriber {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		}
		return conn, err
	}}
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.url, "http")+"/xrpc/com.atproto.sync.subscribeRepos",
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(5 << 20)
	t.Cleanup(func() { conn.CloseNow() })
	return &subscriber{conn, ctx}
}

// TestConsumerTooSlow has a reader stop reading for longer than the server keeps events for it.
func TestConsumerTooSlow(t *testing.T) {
	w := start(t, func(c *pds.Config) { c.StreamBuffer = 10 })
	alice := w.signUp(t, "alice")
	slow, attentive := w.subscribeSlowly(t), w.subscribe(t, "?cursor=0")
	for range 4 {
		attentive.next(t) // the sign-up's
	}
	text := strings.Repeat("to be read slowly ", 5000) // 90 kB
	const written = 50                                 // 4.5 MB, more than the system buffers
	for range written {
		alice.post(t, "com.atproto.repo.createRecord", map[string]any{
			"repo": alice.did, "collection": "com.example.note", "record": map[string]any{"$type": "com.example.note", "text": text},
		})
		if kind, _ := attentive.next(t); kind != "#commit" {
			t.Fatalf("the attentive reader got %s", kind)
		}
	}
	got := 0
	for {
		kind, body := slow.next(t)
		if kind == "#commit" {
			got++
			continue
		}
		message, err := io.ReadAll(body)
		if err != nil || kind != "error" || !strings.Contains(string(message), "ConsumerTooSlow") {
			t.Fatalf("after %d frames: %s %q, %v", got, kind, message, err)
		}
		break
	}
	if got == 0 || got == written {
		t.Fatalf("the slow reader got %d of %d frames", got, written)
	}
	if _, _, err := slow.conn.Read(slow.ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Fatalf("closed with %v", err)
	}
}
