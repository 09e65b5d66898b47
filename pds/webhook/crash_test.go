package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage/memory"
)

// The environment of a process that is a sender, and is killed.
const (
	childURL = "WEBHOOK_TEST_URL"
	childDir = "WEBHOOK_TEST_DIR"
)

const (
	crashEvents   = 2000
	crashAccounts = 20
)

// child sends a log that is the same in each process. What no process before has sent of its second half comes while it is
// sending.
func child() {
	log := firehose.Log{Events: memory.New()}
	positions := NewDir(os.Getenv(childDir))
	s, err := New(Config{
		Events: log, Positions: positions, Logger: silent,
		Endpoints: []Endpoint{{
			Name: "a", URL: os.Getenv(childURL), Secrets: []string{secret}, FromOldest: true, MaxEvents: 20,
		}},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fill := func(from, to int) {
		for i := from; i < to; i++ {
			e, err := firehose.AccountEvent(syntax.DID(fmt.Sprintf("did:web:%d.example", i%crashAccounts)), "", noon)
			if err == nil {
				_, err = log.AppendEvents(context.Background(), e)
			}
			if err != nil {
				panic(err)
			}
		}
	}
	position, _, err := positions.Position(context.Background(), "a")
	if err != nil {
		panic(err)
	}
	there := max(crashEvents/2, int(position))
	fill(0, there)
	go fill(there, crashEvents)
	s.Run(context.Background())
}

// killer is a receiver that has its sender killed now and then: before it has the message, when it has it but hasn't
// answered, and when it has answered.
type killer struct {
	t     testing.TB
	kills chan struct{}
	all   chan struct{} // closed when all have come

	mu       sync.Mutex
	messages int
	order    []int64 // of all events, repetitions too
	last     int64
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it was killed
	}
	var m Message
	if err := Verify(r.Header, body, time.Now(), secret); err != nil {
		k.t.Error(err)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		k.t.Error(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.messages++
	const every = 13
	switch k.messages % (3 * every) {
	case every:
		k.kill(r)
		return
	case 2 * every:
		k.take(m)
		k.kill(r)
		return
	case 0:
		defer func() { k.kills <- struct{}{} }()
	case 5, every + 5:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	k.take(m)
}

// kill returns when the sender has gone.
func (k *killer) kill(r *http.Request) {
	k.kills <- struct{}{}
	<-r.Context().Done()
}

func (k *killer) take(m Message) {
	for _, e := range m.Events {
		k.order = append(k.order, e.Seq)
		if want := syntax.DID(fmt.Sprintf("did:web:%d.example", (e.Seq-1)%crashAccounts)); e.DID != want {
			k.t.Errorf("event %d is of %s", e.Seq, e.DID)
		}
	}
	if last := m.Events[len(m.Events)-1].Seq; last > k.last {
		if k.last = last; last == crashEvents {
			close(k.all)
		}
	}
}

// TestKill kills a sender again and again. Every event arrives at least once; a receiver that skips what isn't greater than
// what it has sees them all, in order; and just what wasn't known to be accepted comes again.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process for each kill")
	}
	k := &killer{t: t, kills: make(chan struct{}), all: make(chan struct{})}
	front := httptest.NewServer(k)
	defer front.Close()
	dir := t.TempDir()
	kills := 0
	for done := false; !done; {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childURL+"="+front.URL, childDir+"="+dir, "no_proxy=*")
		cmd.Stderr = os.Stderr
		check(t, cmd.Start())
		select {
		case <-k.kills:
			kills++
		case <-k.all:
			done = true
		}
		check(t, cmd.Process.Kill())
		if err := cmd.Wait(); cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatal(err)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if kills < 6 {
		t.Errorf("it was killed just %d times", kills)
	}
	var last int64
	repeated := 0
	for _, seq := range k.order {
		switch {
		case seq == last+1:
			last = seq
		case seq <= last:
			repeated++
		default:
			t.Fatalf("event %d comes after %d", seq, last)
		}
	}
	if last != crashEvents {
		t.Errorf("the last event is %d", last)
	}
	if repeated > 20*kills {
		t.Errorf("%d events were repeated after %d kills", repeated, kills)
	}
	t.Logf("%d kills, %d messages, %d events repeated", kills, k.messages, repeated)
}
