package pds_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
)

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

func (p pipe) Close() error { return nil }

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
