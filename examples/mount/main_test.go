package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/storage/sqlite"
)

func TestService(t *testing.T) {
	t.Setenv("SERVICE_SECRET", strings.Repeat("s", 32))
	directory, err := plc.NewDirectory(plc.DirectoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	plcServer := httptest.NewServer(directory)
	defer plcServer.Close()
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "pds.sqlite"), sqlite.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	srv, err := newPDS(t.Context(), store, dir, "https://service.example.com", plcServer.URL)
	if err != nil {
		t.Fatal(err)
	}
	service := logged(routes(srv))
	get := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		service.ServeHTTP(w, r)
		return w
	}
	if w := get("GET", "/", ""); w.Body.String() != "Welcome to a service that was here before.\n" {
		t.Errorf("the service's page: %s", w.Body)
	}
	w := get("POST", "/xrpc/com.atproto.server.createAccount",
		`{"handle":"alice.service.example.com","email":"alice@example.com","password":"alice-password"}`)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"handle":"alice.service.example.com"`) {
		t.Errorf("sign-up: %d %s", w.Code, w.Body)
	}
	if w := get("GET", "/robots.txt", ""); w.Code != http.StatusNotFound {
		t.Errorf("the PDS took a path that isn't its own: %d", w.Code)
	}
}
