package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
)

// faulty is a bucket in which a change goes wrong, and all after it.
type faulty struct {
	Bucket
	left  atomic.Int64 // changes that still go well
	after bool         // the one that goes wrong is carried out, and then reported lost
	fault func() error
}

var errFault = errors.New("fault")

func (f *faulty) change(do func() error) error {
	n := f.left.Add(-1)
	switch {
	case n >= 0:
		return do()
	case n == -1 && f.after:
		if err := do(); err != nil {
			return err
		}
	}
	return f.fault()
}

func (f *faulty) Put(ctx context.Context, name string, r io.Reader) error {
	return f.change(func() error { return f.Bucket.Put(ctx, name, r) })
}

func (f *faulty) Delete(ctx context.Context, name string) error {
	return f.change(func() error { return f.Bucket.Delete(ctx, name) })
}

// history is a server with something of each kind to mirror, in two steps.
type history struct {
	*world
	alice, bob *user
}

func newHistory(t testing.TB) *history {
	h := &history{world: newWorld(t)}
	h.alice, h.bob = h.signUp(t, "alice"), h.signUp(t, "bob")
	h.alice.attach(t, "picture", "a picture")
	h.bob.put(t, "one", object{"text": "one"})
	return h
}

func (h *history) goOn(t testing.TB) {
	h.alice.attach(t, "picture", "another picture")
	for i := range 5 {
		h.alice.put(t, fmt.Sprint("note", i), object{"text": "note"})
	}
	h.bob.remove(t)
	h.signUp(t, "carol").put(t, "one", object{"text": "one"})
}

// TestFaults loses each change of a run, and then each is made but reported lost. Whatever the run has left, it can be
// checked once there is anything, and the next run goes on from there.
func TestFaults(t *testing.T) {
	h := newHistory(t)
	first := newDir(t)
	check(t, h.mirror(t, h.local(), first).Sync(t.Context()))
	for _, step := range []string{"first", "next"} {
		if step == "next" {
			h.goOn(t)
		}
		for _, after := range []bool{false, true} {
			for n := int64(0); ; n++ {
				path := t.TempDir()
				if step == "next" {
					check(t, os.CopyFS(path, os.DirFS(first.path)))
				}
				to, err := CreateDir(path)
				check(t, err)
				f := &faulty{Bucket: to, after: after, fault: func() error { return errFault }}
				f.left.Store(n)
				err = h.mirror(t, h.local(), f).Sync(t.Context())
				if err == nil {
					if n < 10 {
						t.Errorf("%s: a run has just %d changes", step, n)
					}
					break
				}
				if !errors.Is(err, errFault) {
					t.Errorf("%s, change %d lost: %v", step, n, err)
				}
				check(t, h.mirror(t, h.local(), to).Sync(t.Context()))
				intact(t, to)
				h.same(t, restore(t, to), false)
				if t.Failed() {
					t.Fatalf("%s, change %d, made: %t", step, n, after)
				}
			}
		}
	}
}

// The environment of a process that is a mirror and kills itself.
const (
	childURL   = "MIRROR_TEST_URL"
	childDir   = "MIRROR_TEST_DIR"
	childAfter = "MIRROR_TEST_AFTER"
)

// child mirrors a server over the network, and kills its process after some changes.
func child() {
	n, err := strconv.ParseInt(os.Getenv(childAfter), 10, 64)
	if err != nil {
		panic(err)
	}
	to, err := CreateDir(os.Getenv(childDir))
	if err != nil {
		panic(err)
	}
	f := &faulty{Bucket: to, fault: func() error {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}}
	f.left.Store(n)
	url := os.Getenv(childURL)
	m, err := New(Config{
		Source: &Network{URL: url, HTTP: http.DefaultClient}, To: f, Origin: url, Logger: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		err = m.Sync(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestKill kills a mirror again and again, ever later, until it comes to its end.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process for each kill")
	}
	h := newHistory(t)
	path := t.TempDir()
	for kills := 0; ; kills++ {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childURL+"="+h.url, childDir+"="+path, childAfter+"="+strconv.Itoa(2*kills), "no_proxy=*")
		out, err := cmd.CombinedOutput()
		if err == nil {
			if kills < 3 {
				t.Errorf("it was killed just %d times", kills)
			}
			break
		}
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
			t.Fatalf("%v\n%s", err, out)
		}
		if kills == 2 {
			h.goOn(t)
		}
	}
	to, err := OpenDir(path)
	check(t, err)
	intact(t, to)
	h.same(t, restore(t, to), true)
}
