package webhook

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage/memory"
)

// BenchmarkBacklog delivers a log over a socket, with positions in a folder. An operation is an event.
func BenchmarkBacklog(b *testing.B) {
	log := firehose.Log{Events: memory.New()}
	appendEvents(b, log, "did:web:a.example", b.N)
	ctx, cancel := context.WithCancel(b.Context())
	var messages atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		messages.Add(1)
	}))
	defer front.Close()
	positions := NewDir(b.TempDir())
	s, err := New(Config{
		Events: log, Positions: &until{positions, int64(b.N), cancel}, Logger: silent,
		Endpoints: []Endpoint{{Name: "a", URL: front.URL, Secrets: []string{secret}, FromOldest: true}},
	})
	check(b, err)
	b.ResetTimer()
	check(b, s.Run(ctx))
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/float64(messages.Load()), "events/message")
}

// until stops a sender that has delivered everything.
type until struct {
	Positions
	last int64
	stop func()
}

func (u *until) SetPosition(ctx context.Context, endpoint string, seq int64) error {
	if seq == u.last {
		defer u.stop()
	}
	return u.Positions.SetPosition(ctx, endpoint, seq)
}
