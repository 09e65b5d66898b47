package storagetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

// Crash proves that a store outlives the sudden end of its process. It runs the calling test once
// more, in another process, which writes to the store from several goroutines until it is killed at
// some moment; then it opens the store and holds it against what was acknowledged: each write of
// which the process was told that it has happened is there, one that was under way is there or not,
// and nothing is there by half. It does so several times with the same store.
//
//	func TestCrash(t *testing.T) {
//		storagetest.Crash(t, func(dir string) (storage.Store, error) { return mine.Open(dir) })
//	}
//
// open opens the store in a folder, which is empty at first. Crash is the first thing that the test
// does. A store that has a method Close is closed by it.
func Crash(t *testing.T, open func(dir string) (storage.Store, error)) {
	if of, dir, ok := strings.Cut(os.Getenv(crashVariable), " "); ok && of == t.Name() {
		crashChild(t.Context(), dir, open) // doesn't return
	}
	if slices.Contains([]string{"windows", "plan9", "js", "wasip1", "ios"}, runtime.GOOS) {
		t.Skip("the system has no SIGKILL")
	}
	c := &crash{T: t, dir: t.TempDir(), open: open, rounds: 10}
	if testing.Short() {
		c.rounds = 3
	}
	for i := range crashWriters {
		c.states = append(c.states, newCrashState(i))
	}
	for i := range c.rounds {
		acknowledged := c.kill(i)
		c.examine()
		if t.Failed() {
			t.Logf("the process was killed %d times, the last time after %d writes", i+1, acknowledged)
			return
		}
	}
}

// crashVariable names the environment variable that makes Crash be the process that is killed: the
// test's name and the folder.
const crashVariable = "STORAGETEST_CRASH"

// crash is the process that kills.
type crash struct {
	*testing.T
	dir    string
	open   func(dir string) (storage.Store, error)
	rounds int

	states  []*crashState // by writer: what it has been told for certain
	lastSeq int64         // that was told
}

// kill runs the process that writes, kills it, and returns how many writes were acknowledged
// before.
func (c *crash) kill(round int) (acknowledged int) {
	var steps []string
	for _, s := range c.states {
		steps = append(steps, fmt.Sprint(s.step))
	}
	pattern := regexp.MustCompile(`[^/]+`).ReplaceAllStringFunc(c.Name(), func(s string) string {
		return "^" + regexp.QuoteMeta(s) + "$"
	})
	child := exec.CommandContext(c.Context(), os.Args[0], "-test.run="+pattern, "-test.timeout=5m")
	child.Env = append(os.Environ(), crashVariable+"="+c.Name()+" "+c.dir, crashStepsVariable+"="+strings.Join(steps, " "))
	complaints := &strings.Builder{}
	child.Stderr = complaints
	out, err := child.StdoutPipe()
	ok(c, "the pipe", err)
	ok(c, "running the test again", child.Start())

	// Some are killed while they open the store, which is when they make good what the last one has
	// left.
	after := []int{0, 1, 30, 200}[round%4] + rand.IntN(100)*(round%4)
	if after == 0 {
		time.AfterFunc(time.Duration(rand.IntN(50))*time.Millisecond, func() { child.Process.Kill() })
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() { // also what it wrote before the end
		var writer int
		var seq int64
		if _, err := fmt.Sscanf(lines.Text(), crashLine, &writer, &seq); err != nil {
			fmt.Fprintln(complaints, lines.Text())
			continue
		}
		_, c.states[writer] = c.states[writer].next()
		c.lastSeq = max(c.lastSeq, seq)
		if acknowledged++; acknowledged == after {
			ok(c, "kill", child.Process.Kill())
		}
	}
	err = child.Wait()
	if complaints.Len() > 0 || child.ProcessState.Exited() {
		c.Errorf("the process that writes ended by itself, or complains: %v\n%s", err, complaints)
	}
	return acknowledged
}

// examine opens the store that a killed process has left, and finds out how far it was.
func (c *crash) examine() {
	s, err := c.open(c.dir)
	if err != nil {
		c.Errorf("the store can't be opened after a crash: %v", err)
		return
	}
	defer func() {
		if closer, is := s.(io.Closer); is {
			ok(c, "Close", closer.Close())
		}
	}()
	ctx := c.Context()
	for range 2 { // before and after the garbage is removed
		for i, state := range c.states {
			if c.states[i], err = state.settle(ctx, s); err != nil {
				c.Errorf("writer %d: %v", i, err)
			}
		}
		if seq, err := s.LastSeq(ctx); err != nil || seq < c.lastSeq {
			c.Errorf("LastSeq is %d, %v, and number %d was given", seq, err, c.lastSeq)
		}
		if err := Check(ctx, s); err != nil {
			c.Error(err)
		}
		if c.Failed() {
			return
		}
		maintain(c, s)
	}
}

// settle finds out whether the write that may have been under way has happened.
func (c *crashState) settle(ctx context.Context, s storage.Store) (*crashState, error) {
	err := c.compare(ctx, s)
	if err == nil {
		return c, nil
	}
	what, next := c.next()
	if other := next.compare(ctx, s); other != nil {
		return c, fmt.Errorf("after %d acknowledged writes the store has neither what they wrote:\n%w\n"+
			"nor what it is after the next one, %s:\n%w", c.step, err, what.name, other)
	}
	return next, nil
}

// compare compares all that the store has of the writer's account.
func (c *crashState) compare(ctx context.Context, s storage.Store) error {
	var problems []error
	differ := func(what string, want, got any, err error) {
		if diff := difference(want, got); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", what, err))
		} else if diff != "" {
			problems = append(problems, errors.New(what+" (-want +got):\n"+diff))
		}
	}
	if c.tree == nil {
		if _, err := s.Account(ctx, c.did); !errors.Is(err, storage.ErrNotFound) {
			problems = append(problems, fmt.Errorf("there is an account, or else: %v", err))
		}
		if _, err := s.Head(ctx, c.did); !errors.Is(err, storage.ErrNotFound) {
			problems = append(problems, fmt.Errorf("there is a repo, or else: %v", err))
		}
	} else {
		a, err := s.Account(ctx, c.did)
		a.ID = 0
		differ("Account", c.account, a, err)
		problems = append(problems, sameRepo(ctx, s, c.tree))
	}
	for data, b := range c.blobs {
		b.Referenced = c.tree != nil && len(c.tree.referring(b.CID)) > 0
		got, err := s.Blob(ctx, b.DID, b.CID)
		differ("Blob "+data, b, got, err)
	}
	ds, err := collect(s.ListDocuments(ctx, storage.DocumentRange{Owner: c.did}))
	differ("ListDocuments", documentsIn(c.documents, storage.DocumentRange{}), ds, err)
	log, err := collect(s.ListEvents(ctx, storage.EventRange{DID: c.did}))
	differ("ListEvents", c.log, kinds(log), err)
	if !slices.IsSortedFunc(log, func(a, b storage.Event) int { return int(a.Seq - b.Seq) }) {
		problems = append(problems, errors.New("events aren't in order"))
	}
	return errors.Join(problems...)
}
