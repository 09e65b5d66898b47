package xrpc_test

import (
	"net/http/httptest"
	"testing"

	"github.com/pdskit/pdskit/pds/xrpc"
)

func TestClientAddress(t *testing.T) {
	for _, c := range []struct {
		connection string
		forwarded  []string
		want       string
	}{
		{"203.0.113.7:1234", nil, "203.0.113.7"},
		{"203.0.113.7:1234", []string{"198.51.100.1"}, "203.0.113.7"}, // only near proxies are believed
		{"127.0.0.1:1234", nil, "127.0.0.1"},
		{"127.0.0.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"[::1]:1234", []string{"2001:db8::1"}, "2001:db8::1"},
		{"10.0.0.1:1234", []string{"192.0.2.9, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"10.0.0.1:1234", []string{"192.0.2.9", "198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:1234", []string{"198.51.100.1, nonsense"}, "10.0.0.1"},
		{"[::ffff:203.0.113.7]:1", nil, "203.0.113.7"},
		{"@", nil, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.connection
		r.Header["X-Forwarded-For"] = c.forwarded
		if got := xrpc.ClientAddress(r).String(); got != c.want {
			t.Errorf("%s for %q: %s, want %s", c.connection, c.forwarded, got, c.want)
		}
	}
}
