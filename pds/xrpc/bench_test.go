package xrpc_test

import (
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
	for name, policy := range map[string]auth.Policy{"public": auth.Public, "session": auth.Session.Optional().Unasked()} {
		b.Run(name, func(b *testing.B) {
			mux := xrpc.NewMux(xrpc.MuxConfig{Authenticator: auth.Schemes{}, Lexicons: lexicons(b)})
			mux.Handle(xrpc.Query("com.example.query", policy, echo))
			r := httptest.NewRequest("GET", "/xrpc/com.example.query?name=alice", nil)
			w := nowhere{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				r.Body = http.NoBody
				clear(w.header)
				mux.ServeHTTP(w, r)
			}
		})
	}
}
