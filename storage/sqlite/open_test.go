package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

func TestMain(m *testing.M) {
	if point := os.Getenv(migrateEnv); point != "" {
		migrateUntil(point)
		return
	}
	if path := os.Getenv(openEnv); path != "" {
		openAndExit(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// Opening makes a database only if asked to.
func TestOpenCreates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pds.sqlite")
	if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without Create: %v, want ErrNotExist", err)
	}
	if files, _ := filepath.Glob(path + "*"); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); err == nil {
		t.Error("an empty file was opened without Create")
	}
	for _, o := range []Options{{Create: true}, {}, {Create: true}} {
		s, err := Open(t.Context(), path, o)
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		files, _ := filepath.Glob(path + "*")
		if len(files) < 4 {
			t.Errorf("files: %v, want the database, -wal, -shm and -lock", files)
		}
		for _, f := range files {
			if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v, want it to be its owner's alone", f, info.Mode(), err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A database is open once.
func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pds.sqlite")
	s := openAt(t, path, Options{Create: true})
	if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "open already") {
		t.Errorf("second Open: %v, want a refusal", err)
	}
	if err := putKey(t.Context(), s, "k"); err != nil {
		t.Errorf("after the refusal: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path, Options{})
}

// A database of a newer version is refused, and left as it is.
func TestOpenNewer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pds.sqlite")
	s := openAt(t, path, Options{Create: true})
	if err := s.writer.db.run(`PRAGMA user_version = 1000`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for range 2 {
		if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "newer program") {
			t.Errorf("got %v, want a refusal that says why", err)
		}
	}
}

// A database of another application is refused, and left as it is.
func TestOpenForeign(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.sqlite")
	if err := touch(path, true); err != nil {
		t.Fatal(err)
	}
	db, err := openWriter(path, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.run(`CREATE TABLE other (x)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := Open(t.Context(), path, Options{Create: true}); err == nil || !strings.Contains(err.Error(), "another application") {
		t.Errorf("got %v, want a refusal that says why", err)
	}
}

// Migrations that a database hasn't seen are applied in order, and those that fail leave the version before.
func TestMigrate(t *testing.T) {
	s := open(t, Options{})
	if err := putKey(t.Context(), s, "k"); err != nil {
		t.Fatal(err)
	}
	db := s.writer.db
	version := func() int {
		t.Helper()
		v, err := schemaVersion(db)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := version()
	extra := func(scripts ...string) []migration {
		steps := migrations()
		for _, script := range scripts {
			steps = append(steps, migration{script: script})
		}
		return steps
	}
	if err := migrate(db, extra(`CREATE TABLE extra (a) STRICT`)); err == nil || version() != first {
		t.Errorf("invalid script: %v, version %d, want an error and version %d", err, version(), first)
	}
	const table, fill = `CREATE TABLE extra (name TEXT) STRICT`, `INSERT INTO extra SELECT id FROM documents`
	if err := migrate(db, extra(table, fill+`; SELECT broken`)); err == nil || version() != first+1 {
		t.Errorf("second script is invalid: %v, version %d, want an error and version %d", err, version(), first+1)
	}
	broken := extra(table, fill)
	broken[len(broken)-1].finish = func(*conn) error { return errors.New("broken") }
	if err := migrate(db, broken); err == nil || version() != first+1 {
		t.Errorf("the second step can't be finished: %v, version %d, want an error and version %d", err, version(), first+1)
	}
	if err := migrate(db, extra(table, fill)); err != nil || version() != first+2 {
		t.Errorf("valid scripts: %v, version %d, want version %d", err, version(), first+2)
	}
	if n, err := one(db, scanInt, `SELECT count(*) FROM extra WHERE name = 'k'`); n != 1 {
		t.Errorf("the script ran %d times, %v", n, err)
	}
	if err := migrate(db, migrations()); err == nil {
		t.Error("an older program accepts the newer version")
	}
}

// After Close, everything is refused.
func TestClosed(t *testing.T) {
	s := open(t, Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	errs := map[string]error{"Close": s.Close(), "PutDocument": putKey(t.Context(), s, "k"), "Maintain": s.Maintain(t.Context())}
	errs["Document"] = findKey(t.Context(), s, "k")
	for _, err := range s.ListEvents(t.Context(), storage.EventRange{}) {
		errs["ListEvents"] = err
	}
	errs["Snapshot"] = s.Snapshot(t.Context(), func(storage.RepoReader) error { return nil })
	for name, err := range errs {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
}

// Close waits for writes that are queued.
func TestCloseWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pds.sqlite")
	s := openAt(t, path, Options{Create: true})
	release := hold(t, s)
	done := make(chan error)
	go func() { done <- putKey(t.Context(), s, "k") }()
	queued(s, 1)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := findKey(t.Context(), openAt(t, path, Options{}), "k"); err != nil {
		t.Error(err)
	}
}

// integrity runs SQLite's own check.
func integrity(t *testing.T, s *Store) {
	t.Helper()
	text := func(r *lite.Stmt) (string, error) { return r.ColumnText(0), nil }
	found, err := read(t.Context(), s.readers, func(db *conn) ([]string, error) { return all(db, text, `PRAGMA integrity_check`) })
	if err != nil || len(found) != 1 || found[0] != "ok" {
		t.Errorf("integrity: %v, %v", found, err)
	}
}

// Commits are flushed: both connections that write are in the mode in which SQLite sees to that.
func TestDurable(t *testing.T) {
	s := open(t, Options{})
	text := func(r *lite.Stmt) (string, error) { return r.ColumnText(0), nil }
	for name, db := range map[string]*conn{"writer": s.writer.db, "checkpointer": s.writer.checkpointer.db} {
		for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "fullfsync": "1", "checkpoint_fullfsync": "1"} {
			if got, err := one(db, text, `PRAGMA `+pragma); err != nil || got != want {
				t.Errorf("%s: %s is %q, %v, want %q", name, pragma, got, err, want)
			}
		}
	}
}
