package storagetest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/sqlite"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// crashMutants are stores that don't outlive a crash as they should.
var crashMutants = map[string]func(dir string) (storage.Store, error){
	"all is forgotten": func(string) (storage.Store, error) { return memory.New(), nil },
	"a write is acknowledged before it's made": func(dir string) (storage.Store, error) {
		s, err := openFile(dir)
		return hasty{s}, err
	},
	"a commit comes before its events": func(dir string) (storage.Store, error) {
		s, err := openFile(dir)
		return halves{s}, err
	},
}

func openFile(dir string) (*sqlite.Store, error) {
	return sqlite.Open(context.Background(), filepath.Join(dir, "pds.sqlite"), sqlite.Options{Create: true})
}

type hasty struct{ *sqlite.Store }

func (s hasty) SetTakedown(ctx context.Context, t storage.Takedown) error {
	go func() {
		time.Sleep(20 * time.Millisecond)
		s.Store.SetTakedown(ctx, t)
	}()
	return nil
}

type halves struct{ *sqlite.Store }

func (s halves) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	events := c.Events
	c.Events = nil
	if _, err := s.Store.Commit(ctx, c); err != nil {
		return 0, err
	}
	return s.Store.AppendEvents(ctx, events...)
}

// TestCrashMutants runs Crash against each of them, and fails where it doesn't.
func TestCrashMutants(t *testing.T) {
	for name := range crashMutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashMutant$", "-test.timeout=2m")
			child.Env = append(os.Environ(), mutantVariable+"="+name)
			out, err := child.CombinedOutput()
			if err == nil {
				t.Fatal("it finds nothing wrong")
			}
			if !strings.Contains(string(out), "acknowledged writes the store has neither") {
				t.Fatalf("it fails for another reason:\n%s", out)
			}
		})
	}
}

// TestCrashMutant is Crash as [TestCrashMutants] runs it.
func TestCrashMutant(t *testing.T) {
	open := crashMutants[os.Getenv(mutantVariable)]
	if open == nil {
		t.Skip("run by TestCrashMutants")
	}
	storagetest.Crash(t, open)
}
