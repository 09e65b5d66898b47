package xrpc_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// An error of a stream's function reaches the client as that of any other method would, and is measured, below any
// middleware: around the Mux, or around the method.
func TestStreamErrors(t *testing.T) {
	var failure error
	measured := make(chan xrpc.Measurement, 1)
	mux := xrpc.NewMux(xrpc.MuxConfig{
		Logger:  slog.New(slog.DiscardHandler),
		Measure: func(_ context.Context, m xrpc.Measurement) { measured <- m },
		Errors: func(err error) *xrpc.Error {
			if errors.Is(err, errTable) {
				return xrpc.Errorf("FromTable", "translated")
			}
			return nil
		},
	})
	m := xrpc.Subscription("com.example.fail", auth.Public,
		func(context.Context, *xrpc.Call[struct{}], *xrpc.Stream) error { return failure })
	mux.Handle(m.Around(func(_ http.ResponseWriter, _ *xrpc.Call[struct{}], next func() error) error { return next() }))
	server := httptest.NewServer(wrapped(mux))
	defer server.Close()
	for _, c := range []struct {
		failure    error
		name, want string
	}{
		{xrpc.Errorf("Named", "told"), "Named", `{"$type":"error","error":"Named","message":"told"}`},
		{auth.ErrScopeMissing.With("not yours"), "ScopeMissingError", `{"$type":"error","error":"ScopeMissingError","message":"not yours"}`},
		{errTable, "FromTable", `{"$type":"error","error":"FromTable","message":"translated"}`},
		{errors.New("hunter2"), "InternalServerError", `{"$type":"error","error":"InternalServerError","message":"Internal Server Error"}`},
	} {
		failure = c.failure
		conn, _, err := websocket.Dial(t.Context(), server.URL+"/xrpc/com.example.fail",
			&websocket.DialOptions{Subprotocols: []string{xrpc.TextProtocol}})
		if err != nil {
			t.Fatal(err)
		}
		if _, frame, err := conn.Read(t.Context()); err != nil || string(frame) != c.want {
			t.Errorf("%v: %s, %v", c.failure, frame, err)
		}
		conn.CloseNow()
		if m := <-measured; m.Status != http.StatusSwitchingProtocols || m.Error != c.name {
			t.Errorf("%v is measured as %+v", c.failure, m)
		}
	}
}

// A handshake that fails is answered, and measured, like any other request.
func TestHandshakeRefused(t *testing.T) {
	var measured []xrpc.Measurement
	mux := xrpc.NewMux(xrpc.MuxConfig{Measure: func(_ context.Context, m xrpc.Measurement) { measured = append(measured, m) }})
	mux.Handle(xrpc.Subscription("com.example.greet", auth.Public,
		func(context.Context, *xrpc.Call[struct{}], *xrpc.Stream) error { return nil }))
	status, body, h := do(mux, "GET", "/xrpc/com.example.greet", "", "Connection", "Upgrade", "Upgrade", "websocket",
		"Sec-WebSocket-Version", "12")
	if status != 400 || !strings.HasPrefix(body, `{"error":"InvalidRequest"`) || h.Get("Sec-WebSocket-Version") != "13" ||
		!strings.HasPrefix(h.Get("Content-Type"), "application/json") {
		t.Errorf("got %d %s %v", status, body, h)
	}
	if len(measured) != 1 || measured[0].Status != 400 || measured[0].Error != "InvalidRequest" {
		t.Errorf("measured as %+v", measured)
	}
}
