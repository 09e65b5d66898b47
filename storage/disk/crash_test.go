//go:build unix

package disk_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pdskit/pdskit/storage/disk"
)

// The tests in this file run the test binary once more, as the process that uploads: childEnv says how, childDirEnv
// where to.
const (
	childEnv    = "PDSKIT_DISK_TEST_CHILD"
	childDirEnv = "PDSKIT_DISK_TEST_DIR"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "killed":
		uploadAndDie()
	case "full":
		uploadToFullDisk()
	default:
		os.Exit(m.Run())
	}
}

// TestKilled: a process that is killed during an upload leaves no blob, and what it leaves is removed at the next start.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	put(t, open(t, dir), "hello world")

	var status *exec.ExitError
	if err := child(dir, "killed").Run(); !errors.As(err, &status) || status.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("child: %v, want it killed", err)
	}
	if left := files(t, filepath.Join(dir, ".incoming")); len(left) != 1 {
		t.Errorf("after the crash: %q, want one incomplete upload", left)
	}
	b := open(t, dir)
	if left := files(t, dir); len(left) != 1 {
		t.Errorf("after opening again: %q, want one blob", left)
	}
	if got := read(t, b); got != "hello world" {
		t.Errorf("read %q", got)
	}
}

func uploadAndDie() {
	half := io.MultiReader(io.LimitReader(rand.Reader, 1<<20), readerFunc(func([]byte) (int, error) {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}))
	upload(half)
}

// TestFullDisk: an upload that doesn't fit fails and leaves nothing. The disk is the limit on the size of a file.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	out, err := child(dir, "full").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "file too large") {
		t.Errorf("child: %v, %q, want an upload that failed", err, out)
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func uploadToFullDisk() {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		panic(err)
	}
	upload(io.LimitReader(rand.Reader, 2<<20))
}

// upload is what a child does. It prints the error of the upload.
func upload(r io.Reader) {
	b, err := disk.Open(os.Getenv(childDirEnv))
	if err != nil {
		panic(err)
	}
	_, _, err = b.Put(context.Background(), did, r)
	fmt.Print(err)
}

func child(dir, how string) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childEnv+"="+how, childDirEnv+"="+dir)
	return c
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
