package pds_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
)

// decodeToken returns a token's header and claims.
func decodeToken(t testing.TB, raw string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(raw, ".")
	for i, m := range []*map[string]any{&header, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, m); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

// token returns an access token of a scope.
func (w *world) token(t testing.TB, did syntax.DID, scope string) string {
	t.Helper()
	account, err := w.config.Store.Account(t.Context(), did)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Config{
		Store: w.config.Store, Secret: w.config.TokenSecret, Audience: w.serverDID(), Now: w.config.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := sessions.Create(t.Context(), account.DID, scope, "")
	if err != nil {
		t.Fatal(err)
	}
	return tokens.Access
}

// serverDID is the server's, whose host is an address with a port.
func (w *world) serverDID() syntax.DID { return "did:web:127.0.0.1" }

// setStatus changes an account behind the server's back.
func (w *world) setStatus(t testing.TB, u *user, change func(*storage.Account)) {
	t.Helper()
	_, err := w.config.Store.UpdateAccount(t.Context(), u.did, func(a *storage.Account) error {
		change(a)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// withApps adds an authenticator of apps, who say themselves who they are and what they may: "App did scope…".
func withApps(c *pds.Config) {
	c.Authenticators = auth.Schemes{"App": auth.AuthenticatorFunc(func(_ *http.Request, c auth.Credentials) (auth.Caller, error) {
		raw, err := base64.StdEncoding.DecodeString(c.Token)
		did, scope, _ := strings.Cut(string(raw), " ")
		return auth.Caller{DID: syntax.DID(did), Kind: auth.KindOAuth, Scope: auth.Scope(scope)}, err
	})}
}

// asApp makes a request as an app of an account would.
func (w *world) asApp(t testing.TB, u *user, scope, verb, path string, body io.Reader) *response {
	t.Helper()
	authorization := "App " + base64.StdEncoding.EncodeToString([]byte(u.did.String()+" "+scope))
	contentType := ""
	if body != nil {
		contentType = "application/json"
	}
	return w.doAs(t, verb, "/xrpc/"+path, authorization, contentType, body)
}

func basic(password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+password))
}
