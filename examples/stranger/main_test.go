package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/storage/memory"
)

func TestMount(t *testing.T) {
	mux := http.NewServeMux()
	store := audited{memory.New(), slog.New(slog.DiscardHandler)}
	tokens, seal := bytes.Repeat([]byte("t"), 16), bytes.Repeat([]byte("s"), keys.MinSecret)
	srv, err := mount(t.Context(), mux, store, tokens, seal)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mount(t.Context(), http.NewServeMux(), store, tokens, seal); err != nil {
		t.Errorf("the second start: %v", err)
	}
	srv.Handle(countRecords(srv))
	for path, want := range map[string]string{
		"/": "404",
		"/xrpc/com.atproto.server.describeServer":                     "did:web:service.example.com",
		"/xrpc/com.example.countRecords?collection=com.example.thing": "AuthMissing",
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %s, want %s", path, w.Body, want)
		}
	}
}
