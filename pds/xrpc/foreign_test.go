package xrpc_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// TestForeignPage: what the cookies of a browser open, a page of another site doesn't get to read. Of all requests only
// a WebSocket could show it that.
func TestForeignPage(t *testing.T) {
	mux := xrpc.NewMux(xrpc.MuxConfig{Authenticator: auth.AuthenticatorFunc(func(r *http.Request, _ auth.Credentials) (auth.Caller, error) {
		if _, err := r.Cookie("session"); err != nil && r.Header.Get("Authorization") == "" {
			return auth.Caller{}, nil
		}
		return auth.Caller{Kind: auth.KindSession, DID: "did:plc:alice"}, nil
	})})
	anybody := auth.PolicyFunc("anybody", func(context.Context, auth.Caller) error { return nil }).Unasked()
	mux.Handle(xrpc.Subscription("com.example.watch", anybody,
		func(_ context.Context, c *xrpc.Call[struct{}], s *xrpc.Stream) error {
			return s.Send("#hello", map[string]any{"did": c.Caller.DID})
		}))
	server := httptest.NewServer(mux)
	defer server.Close()
	const cookie, foreign = "session=alice", "https://elsewhere.example.com"
	for name, test := range map[string]struct {
		header http.Header
		want   int
	}{
		"another site's page":          {http.Header{"Cookie": {cookie}, "Origin": {foreign}}, 403},
		"as the browser says":          {http.Header{"Cookie": {cookie}, "Sec-Fetch-Site": {"cross-site"}}, 403},
		"the host's own page":          {http.Header{"Cookie": {cookie}, "Origin": {server.URL}}, 101},
		"no page":                      {http.Header{"Cookie": {cookie}}, 101},
		"with a token of the page's":   {http.Header{"Cookie": {cookie}, "Authorization": {"Bearer x"}, "Origin": {foreign}}, 101},
		"with a cookie that is naught": {http.Header{"Cookie": {"other=x"}, "Origin": {foreign}}, 101},
		"anonymous":                    {http.Header{"Origin": {foreign}}, 101},
	} {
		conn, res, err := websocket.Dial(t.Context(), server.URL+"/xrpc/com.example.watch", &websocket.DialOptions{
			HTTPHeader: test.header, HTTPClient: server.Client(),
		})
		if err == nil {
			conn.CloseNow()
		}
		if res == nil || res.StatusCode != test.want {
			t.Errorf("%s: %v, want %d", name, err, test.want)
		}
	}
}
