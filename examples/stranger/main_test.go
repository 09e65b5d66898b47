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
	srv, err := mount(t.Context(), mux, store, bytes.Repeat([]byte("s"), keys.MinSecret))
	if err != nil {
		t.Fatal(err)
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
