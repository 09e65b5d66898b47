package xrpc_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// oneAccount is the only account.
type oneAccount struct{ auth.Account }

func (a oneAccount) CallerAccount(_ context.Context, did syntax.DID) (auth.Account, error) {
	if did != a.DID {
		return auth.Account{}, auth.ErrAccountNotFound
	}
	return a.Account, nil
}

// TestAccount: a method is told of its caller's account if its policy asks for one, whatever kind
// of method it is.
func TestAccount(t *testing.T) {
	alice := auth.Account{DID: "did:plc:alice", Handle: "alice.test"}
	mux := xrpc.NewMux(xrpc.MuxConfig{
		Authenticator: auth.Schemes{"Test": auth.AuthenticatorFunc(
			func(_ *http.Request, c auth.Credentials) (auth.Caller, error) {
				return auth.Caller{Kind: auth.KindSession, DID: syntax.DID(c.Token)}, nil
			})},
		Accounts: oneAccount{alice},
	})
	var got auth.Account
	note := func(_ context.Context, c *xrpc.Call[struct{}]) (*struct{}, error) {
		got = c.Account
		return nil, nil
	}
	mux.Handle(
		xrpc.Query("com.example.asks", auth.Session.In(auth.Any), note),
		xrpc.Query("com.example.doesnt", auth.Session.Unasked(), note),
		xrpc.Raw("com.example.raw", auth.Session.In(auth.Any), http.MethodGet,
			func(w http.ResponseWriter, c *xrpc.Call[struct{}]) error {
				got = c.Account
				return nil
			}),
	)
	for _, test := range []struct {
		method, did string
		status      int
		want        auth.Account
	}{
		{"asks", "did:plc:alice", 200, alice},
		{"asks", "did:plc:bob", 403, auth.Account{}},
		{"doesnt", "did:plc:alice", 200, auth.Account{}},
		{"doesnt", "did:plc:bob", 200, auth.Account{}},
		{"raw", "did:plc:alice", 200, alice},
		{"raw", "did:plc:bob", 403, auth.Account{}},
	} {
		got = auth.Account{}
		r := httptest.NewRequest("GET", "/xrpc/com.example."+test.method, nil)
		r.Header.Set("Authorization", "Test "+test.did)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != test.status || got != test.want {
			t.Errorf("%s of %s: got %d %s with account %+v", test.method, test.did, w.Code, w.Body, got)
		}
	}
}
