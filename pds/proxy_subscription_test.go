package pds_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
)

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
