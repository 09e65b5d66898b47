package xrpc_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// nowhere is a response that nobody reads.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) WriteHeader(int)             {}
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkQuery is what the edge itself costs a small query.
func BenchmarkQuery(b *testing.B) {
	for name, public := range map[string]auth.Policy{"public": auth.Public, "session": auth.OptionalSession} {
		b.Run(name, func(b *testing.B) {
			mux := xrpc.NewMux(xrpc.MuxConfig{Authenticator: auth.Schemes{}})
			mux.Handle(xrpc.Query("com.example.echo", public,
				func(_ context.Context, c *xrpc.Call[named]) (*named, error) { return &c.Input, nil }))
			r := httptest.NewRequest("GET", "/xrpc/com.example.echo?name=alice", nil)
			r.Body = http.NoBody
			w := nowhere{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				mux.ServeHTTP(w, r)
			}
		})
	}
}
