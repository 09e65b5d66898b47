package firehose_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pdskit/pdskit/firehose"
)

// relay answers requests without a socket, so that time can be made up.
type relay struct {
	start time.Time

	mu     sync.Mutex
	status int
	err    error
	asked  []time.Duration // since the start
	bodies []string
}

// answer says how the relay answers from now on.
func (r *relay) answer(status int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.err = status, err
}

func (r *relay) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked, r.bodies = append(r.asked, time.Since(r.start)), append(r.bodies, req.URL.String()+" "+string(body))
	return &http.Response{StatusCode: r.status, Body: io.NopCloser(bytes.NewReader(nil))}, r.err
}

// A relay is asked at the start, not again while there is no news, and at once when there is some after 20 minutes; one
// that fails is asked again, less and less often.
func TestCrawlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t, 1)
		r := &relay{status: http.StatusServiceUnavailable, err: errors.New("down"), start: time.Now()}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			(&firehose.Crawlers{
				Events: log, Relays: []string{"https://relay.example/"}, Hostname: "pds.example",
				HTTP: &http.Client{Transport: r}, Logger: slog.New(slog.DiscardHandler),
			}).Run(ctx)
			close(done)
		}()
		wait := func(d time.Duration, asked int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(r.asked) != asked {
				t.Fatalf("asked %d times, want %d: %v", len(r.asked), asked, r.asked)
			}
		}
		wait(time.Second, 1)
		wait(30*time.Second, 2)
		r.answer(http.StatusServiceUnavailable, nil)
		wait(time.Minute, 3)
		r.answer(http.StatusOK, nil)
		wait(2*time.Minute, 4)
		wait(24*time.Hour, 4)
		appendEvents(t, log, 1)
		wait(time.Second, 5)
		appendEvents(t, log, 1)
		wait(19*time.Minute, 5)
		wait(2*time.Minute, 6)
		cancel()
		<-done
		if want := `https://relay.example/xrpc/com.atproto.sync.requestCrawl {"hostname":"pds.example"}`; r.bodies[5] != want {
			t.Errorf("got %s", r.bodies[5])
		}
	})
}
