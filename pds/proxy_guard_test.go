package pds_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	identities "github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/pds"
)

// documents is a directory in which a test decides where services are.
type documents struct {
	pds.Directory
	mu        sync.Mutex
	endpoints map[syntax.DID]string
}

func (d *documents) ResolveDIDRaw(ctx context.Context, did syntax.DID) (json.RawMessage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	endpoint, ok := d.endpoints[did]
	if !ok {
		return d.Directory.ResolveDIDRaw(ctx, did)
	}
	return json.Marshal(identity.DIDDocument{DID: did, Service: []identity.DocService{
		{ID: "#view", Type: "View", ServiceEndpoint: endpoint},
	}})
}

// Nobody makes the server knock at doors of its own network.
func TestProxyGuard(t *testing.T) {
	var connections atomic.Int64
	count := func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	inside, tls := httptest.NewUnstartedServer(http.HandlerFunc(ok)), httptest.NewUnstartedServer(http.HandlerFunc(ok))
	inside.Config.ConnState, tls.Config.ConnState = count, count
	inside.Start()
	t.Cleanup(inside.Close)
	tls.StartTLS()
	t.Cleanup(tls.Close)
	dir := &documents{endpoints: map[syntax.DID]string{}}
	w := start(t, func(c *pds.Config) {
		plain, err := identities.NewDirectory(identities.DirectoryConfig{PLCURL: c.PLCURL})
		if err != nil {
			t.Fatal(err)
		}
		dir.Directory, c.Directory, c.Development = plain, dir, false
	})
	alice := w.signUp(t, "alice")
	secure, err := url.Parse(tls.URL)
	if err != nil {
		t.Fatal(err)
	}
	for i, endpoint := range []string{
		inside.URL, tls.URL, "https://localhost:" + secure.Port(), "https://[::1]:" + secure.Port(),
		"https://[::ffff:127.0.0.1]:" + secure.Port(), "https://[::ffff:7f00:1]:" + secure.Port(), "https://2130706433:" + secure.Port(),
		"https://0.0.0.0:" + secure.Port(), "https://10.0.0.1", "https://192.168.0.1", "https://172.16.0.1", "https://169.254.169.254",
		"https://[fe80::1]", "https://[fc00::1]", "https://[64:ff9b::7f00:1]", "https://100.64.0.1", "http://192.0.2.1", "ftp://example.com",
		"https://user:password@example.com", "file:///etc/passwd", "https://", "",
	} {
		did := syntax.DID(fmt.Sprintf("did:web:%d.example.com", i))
		dir.mu.Lock()
		dir.endpoints[did] = endpoint
		dir.mu.Unlock()
		for _, headers := range [][]string{
			{"Atproto-Proxy", did.String() + "#view"},
			{"Atproto-Proxy", did.String() + "#view", "Connection", "Upgrade", "Upgrade", "websocket",
				"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version", "13"},
		} {
			res := read(t, alice.with(t, "GET", "com.example.thing", nil, headers...))
			if res.status != 502 && res.status != 400 {
				t.Errorf("%s: %s", endpoint, res)
			}
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}
