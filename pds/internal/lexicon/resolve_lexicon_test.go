package lexicon

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/identity"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// TestCauseIsLogged: why a lexicon can't be resolved is for the operator, not for the client.
func TestCauseIsLogged(t *testing.T) {
	mock := identity.NewMockDirectory()
	resolver, err := lexicon.NewResolver(lexicon.ResolverConfig{
		Directory: mock, HTTP: http.DefaultClient,
		LookupTXT: func(context.Context, string) ([]string, error) { return nil, errors.New("the name server is on fire") },
	})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	mux := xrpc.NewMux(xrpc.MuxConfig{Authenticator: auth.Schemes{}})
	mux.Handle((&Handler{Resolver: resolver, Logger: slog.New(slog.NewTextHandler(&log, nil))}).Methods()...)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/xrpc/com.atproto.lexicon.resolveLexicon?nsid=com.example.thing", nil))
	if w.Code != 400 || !strings.Contains(w.Body.String(), "LexiconNotFound") || strings.Contains(w.Body.String(), "fire") {
		t.Errorf("the client is told %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "fire") {
		t.Errorf("the log says %q", log.String())
	}
}
