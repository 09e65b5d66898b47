package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"go.uber.org/goleak"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

func TestMain(m *testing.M) {
	if os.Getenv(childURL) != "" {
		child()
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/ipfs/go-log/writer.(*MirrorWriter).logRoutine")) // started by an import of indigo
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const secret = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"

var (
	silent = slog.New(slog.DiscardHandler)
	noon   = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
)

// appendEvents appends events of an account to a log.
func appendEvents(t testing.TB, log firehose.Log, did syntax.DID, n int) {
	t.Helper()
	e, err := firehose.AccountEvent(did, storage.StatusActive, time.Now())
	check(t, err)
	for range n {
		_, err := log.AppendEvents(context.Background(), e)
		check(t, err)
	}
}

func trim(t testing.TB, log firehose.Log, n int) {
	t.Helper()
	got, err := log.TrimEvents(t.Context(), time.Now().Add(time.Hour), n)
	if err != nil || got != n {
		t.Fatalf("removed %d events, %v", got, err)
	}
}

// positions are kept in memory, for as long as nothing is wrong.
type positions struct {
	mu    sync.Mutex
	seqs  map[string]int64
	sets  int
	fault error
}

func (p *positions) Position(_ context.Context, endpoint string) (int64, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seq, ok := p.seqs[endpoint]
	return seq, ok, p.fault
}

func (p *positions) SetPosition(_ context.Context, endpoint string, seq int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != nil {
		return p.fault
	}
	if p.seqs == nil {
		p.seqs = make(map[string]int64)
	}
	p.seqs[endpoint] = seq
	p.sets++
	return nil
}

// receiver answers without a socket, so that time can be made up. It accepts just what Verify does.
type receiver struct {
	t testing.TB

	mu       sync.Mutex
	answer   func(Message) (*http.Response, error) // if nil, everything is accepted
	times    []time.Time                           // of all requests
	ids      []string                              // likewise
	accepted []Message
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var m Message
	if err := errors.Join(Verify(req.Header, body, time.Now(), secret), json.Unmarshal(body, &m)); err != nil {
		r.t.Errorf("%s: %v", body, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times, r.ids = append(r.times, time.Now()), append(r.ids, req.Header.Get("Webhook-Id"))
	if r.answer != nil {
		if res, err := r.answer(m); res != nil || err != nil {
			return res, err
		}
	}
	r.accepted = append(r.accepted, m)
	return status(http.StatusNoContent), nil
}

func status(code int) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(nil))}
}

// setAnswer says how the receiver answers from now on.
func (r *receiver) setAnswer(answer func(Message) (*http.Response, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// down is the answer of a receiver that isn't there.
func down(Message) (*http.Response, error) { return nil, errors.New("down") }

// events returns the events that were accepted since the last call.
func (r *receiver) events() (events []Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.accepted {
		events = append(events, m.Events...)
	}
	r.accepted = nil
	return events
}

func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.times)
}

// consecutive fails the test unless events are those from one number to another.
func consecutive(t testing.TB, events []Event, from, to int64) {
	t.Helper()
	for _, e := range events {
		if e.Seq != from {
			t.Fatalf("got event %d, want %d", e.Seq, from)
		}
		from++
	}
	if from != to+1 {
		t.Fatalf("got events to %d, want %d", from-1, to)
	}
}

// rig is a log with an endpoint that gets all of it.
type rig struct {
	log       firehose.Log
	positions *positions
	receiver  *receiver
	config    Config
}

func newRig(t testing.TB) *rig {
	r := &rig{log: firehose.Log{Events: memory.New()}, positions: &positions{}, receiver: &receiver{t: t}}
	r.config = Config{
		Events: r.log, Positions: r.positions,
		Endpoints: []Endpoint{{Name: "a", URL: "https://a.example/x", Secrets: []string{secret}, FromOldest: true}},
		HTTP:      &http.Client{Transport: r.receiver}, Logger: silent,
	}
	return r
}

// run starts a sender, and returns what stops it.
func (r *rig) run(t testing.TB) (stop func()) {
	t.Helper()
	s, err := New(r.config)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		check(t, <-done)
	}
}
