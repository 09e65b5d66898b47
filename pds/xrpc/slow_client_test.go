package xrpc_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// pipes is a listener of connections without any buffer.
type pipes struct{ conns chan net.Conn }

func (p *pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p.conns; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	theirs, ours := net.Pipe()
	p.conns <- ours
	return theirs, nil
}

// A client that takes a frame now and then gets them all, however long it takes; one that takes none for longer than half a
// minute is cut off.
func TestSlowClient(t *testing.T) {
	const frames = 10
	for pause, want := range map[time.Duration]int{20 * time.Second: frames, 40 * time.Second: 1} {
		t.Run(pause.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mux := xrpc.NewMux(xrpc.MuxConfig{})
				mux.Handle(xrpc.Subscription("com.example.slow", auth.Public,
					func(_ context.Context, _ *xrpc.Call[struct{}], out *xrpc.Stream) error {
						batch := make([][]byte, frames)
						for i := range batch {
							batch[i] = make([]byte, 40<<10)
						}
						return out.Write(batch...)
					}))
				p := &pipes{make(chan net.Conn, 1)}
				server := &http.Server{Handler: mux}
				var ended sync.WaitGroup
				ended.Go(func() { server.Serve(p) })
				transport := &http.Transport{DialContext: p.dial}
				conn, _, err := websocket.Dial(t.Context(), "ws://pds.test/xrpc/com.example.slow",
					&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
				if err != nil {
					t.Fatal(err)
				}
				conn.SetReadLimit(-1)
				got := 0
				for {
					if _, _, err := conn.Read(t.Context()); err != nil {
						break
					}
					got++
					time.Sleep(pause) // of the bubble's clock
				}
				if got != want {
					t.Errorf("it got %d frames, want %d", got, want)
				}
				conn.CloseNow()
				transport.CloseIdleConnections()
				close(p.conns)
				server.Close()
				ended.Wait()
			})
		})
	}
}
