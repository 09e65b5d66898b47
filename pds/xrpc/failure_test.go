package xrpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// What isn't told to the client is in the log, unless the client has gone.
func TestFailureIsLogged(t *testing.T) {
	var log bytes.Buffer
	mux := xrpc.NewMux(xrpc.MuxConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	mux.Handle(xrpc.Query("com.example.canceled", auth.Public,
		func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) {
			return nil, fmt.Errorf("somebody else's work: %w", context.Canceled)
		}))
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, ctx := range []context.Context{gone, t.Context()} {
		log.Reset()
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/xrpc/com.example.canceled", nil))
		if logged := strings.Contains(log.String(), "somebody else's work"); w.Code != 500 || logged != (ctx.Err() == nil) {
			t.Errorf("client there: %t; answered %d and logged %q", ctx.Err() == nil, w.Code, &log)
		}
	}
}

// An error isn't described by what was said of the answer that it takes the place of.
func TestErrorHeaders(t *testing.T) {
	mux := newMux(t)
	mux.Handle(xrpc.Raw("com.example.file", auth.Public, "GET",
		func(w http.ResponseWriter, _ *xrpc.Call[struct{}]) error {
			w.Header().Set("Content-Length", "1000000")
			w.Header().Set("Content-Disposition", "attachment")
			w.Header().Set("Content-Type", "image/png")
			return errors.New("it can't be read")
		}))
	_, _, h := do(mux, "GET", "/xrpc/com.example.file", "")
	if h.Get("Content-Length") != "" || h.Get("Content-Disposition") != "" || h.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("got %v", h)
	}
	if _, _, h := do(mux, "POST", "/xrpc/com.example.file", ""); h.Get("Allow") != "GET" {
		t.Errorf("the verb that it has isn't told: %v", h)
	}
}

// A status that there isn't is a mistake like any other, and one that others follow isn't the answer.
func TestStatus(t *testing.T) {
	measured := make(chan xrpc.Measurement, 1)
	mux := xrpc.NewMux(xrpc.MuxConfig{
		Logger:  slog.New(slog.DiscardHandler),
		Measure: func(_ context.Context, m xrpc.Measurement) { measured <- m },
	})
	mux.Handle(
		xrpc.Query("com.example.zero", auth.Public,
			func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) {
				return nil, &xrpc.Error{Name: "NoStatus"}
			}),
		xrpc.Raw("com.example.early", auth.Public, "GET", func(w http.ResponseWriter, _ *xrpc.Call[struct{}]) error {
			w.WriteHeader(http.StatusEarlyHints)
			return xrpc.Errorf("Named", "told")
		}),
	)
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, want := range []struct {
		method, name string
		status       int
	}{{"zero", "InternalServerError", 500}, {"early", "Named", 400}} {
		res, err := http.Get(server.URL + "/xrpc/com.example." + want.method)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != want.status || !strings.Contains(string(body), want.name) {
			t.Errorf("%s: %d %s", want.method, res.StatusCode, body)
		}
		if m := <-measured; m.Status != want.status || m.Error != want.name {
			t.Errorf("%s is measured as %+v", want.method, m)
		}
	}
}
