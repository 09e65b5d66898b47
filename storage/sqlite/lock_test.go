package sqlite

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// openEnv names the database that this binary, run again, tries to open.
const openEnv = "SQLITE_OPEN_TEST"

func openAndExit(path string) {
	if _, err := Open(context.Background(), path, Options{}); err != nil {
		os.Stdout.WriteString(err.Error())
	}
}

// openElsewhere opens a database in another process, and returns the error there.
func openElsewhere(t *testing.T, path string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), openEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// A second Open in the process that has the database doesn't unlock it for other processes: where a process closes a file, the
// system takes all its locks on the file away.
func TestOpenTwiceKeepsLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pds.sqlite")
	openAt(t, path, Options{Create: true})
	for range 2 {
		if err := openElsewhere(t, path); !strings.Contains(err, "open already") {
			t.Fatalf("another process: %q, want a refusal", err)
		}
		if _, err := Open(t.Context(), path, Options{Create: true}); err == nil {
			t.Fatal("opened twice")
		}
	}
}

// A database is the same by any name.
func TestOpenLink(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "pds.sqlite"), filepath.Join(dir, "link.sqlite")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	openAt(t, path, Options{Create: true})
	if _, err := Open(t.Context(), link, Options{}); err == nil || !strings.Contains(err.Error(), "open already") {
		t.Errorf("by a link: %v, want a refusal", err)
	}
}
