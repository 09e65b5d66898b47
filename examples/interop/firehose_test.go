package interop

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestFirehose has @atproto/sync's Firehose follow a random workload, with all its checks: it refuses nothing, and reports
// each operation that was acknowledged, once.
func TestFirehose(t *testing.T) {
	needNode(t)
	lookAtSources(t)
	dir := packages(t)
	cmd := exec.CommandContext(t.Context(), "node", "firehose.mjs")
	cmd.Dir = dir
	testConsumer(t, cmd)
}

// TestRelay has upstream's relay follow a random workload, strictly: it refuses nothing, warns of nothing, and passes each
// operation on that was acknowledged, once.
func TestRelay(t *testing.T) {
	lookAtSources(t)
	binary := filepath.Join(t.TempDir(), "relay")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = filepath.Join("testdata", "relay")
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "GOWORK=off") // for the relay's database
	if out, err := build.CombinedOutput(); err != nil {
		missing(t, "needs upstream's relay: go build: %v\n%s", err, out)
	}
	testConsumer(t, exec.CommandContext(t.Context(), binary))
}

// testConsumer runs a program that follows the stream of a server, from the second event on at the latest, while a random
// workload is written. It prints a line of JSON for each event.
func testConsumer(t *testing.T, cmd *exec.Cmd) {
	users, operations := 50, 20_000
	if testing.Short() {
		users, operations = 10, 2_000
	}
	s := start(t, build(t), "PDS_MAX_SUBSCRIPTION_BUFFER=100000") // the consumer may be slower than the writers
	if _, err := signUp(s, "first.test"); err != nil {
		t.Fatal(err)
	}
	w := newWorkload(t, s, users)
	cmd.Env = append(os.Environ(), "INTEROP_PDS_URL="+s.pds, "INTEROP_PLC_URL="+s.plc, "INTEROP_END="+lastHandle)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	impatience := time.AfterFunc(5*time.Minute, func() { cmd.Process.Kill() }) // if the last event never comes
	defer impatience.Stop()
	var events []event
	read := make(chan error, 1)
	go func() {
		var err error
		events, err = readEvents(out)
		read <- err
	}()
	w.run(t, operations)
	if _, err := signUp(s, lastHandle); err != nil {
		t.Error(err)
		cmd.Process.Kill()
	}
	if err := errors.Join(<-read, cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	w.compare(t, events)
}

// lastHandle signs up when everything else is written.
const lastHandle = "last.test"

func readEvents(r io.Reader) (all []event, err error) {
	for lines := json.NewDecoder(r); ; {
		var e event
		if err := lines.Decode(&e); err != nil {
			if err == io.EOF {
				return all, nil
			}
			return all, err
		}
		all = append(all, e)
	}
}

// compare holds what a consumer has seen against what was acknowledged.
func (w *workload) compare(t *testing.T, events []event) {
	t.Helper()
	got := map[string][]event{}
	seq := int64(0)
	for _, e := range events {
		if e.Event == "error" {
			t.Errorf("after event %d: %s", e.Seq, e.Error)
			continue
		}
		if e.Seq < seq {
			t.Errorf("event %d comes after %d", e.Seq, seq)
		}
		seq = e.Seq
		got[e.DID] = append(got[e.DID], e)
	}
	commits, operations, syncs := 0, 0, 0
	for _, u := range w.users {
		for i := range got[u.DID] {
			got[u.DID][i].DID, got[u.DID][i].Seq = "", 0
		}
		if diff := gocmp.Diff(inOrder(u.want), inOrder(got[u.DID])); diff != "" {
			t.Errorf("%s: acknowledged (-) and seen (+):\n%.5000s", u.handle, diff)
		}
		commits += u.commits
		for _, e := range u.want {
			switch {
			case e.Commit != "":
				operations++
			case e.Event == "sync":
				syncs++
			}
		}
	}
	t.Logf("%d operations in %d commits, and %d #sync, over %d repos", operations, commits, syncs, len(w.users))
}

// inOrder sorts the operations of each commit, which have no order among them, and leaves everything else in its place.
func inOrder(events []event) (sorted []event) {
	for len(events) > 0 {
		n := 1
		for events[0].Commit != "" && n < len(events) && events[n].Commit == events[0].Commit {
			n++
		}
		commit := slices.SortedFunc(slices.Values(events[:n]), func(a, b event) int { return cmp.Compare(a.Path, b.Path) })
		sorted, events = append(sorted, commit...), events[n:]
	}
	return sorted
}
