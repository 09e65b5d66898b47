package plc

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// memoryJournal keeps records in memory, or fails with err.
type memoryJournal struct {
	records []Entry
	err     error
}

func (j *memoryJournal) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, r := range j.records {
			if !yield(r, nil) {
				return
			}
		}
		if j.err != nil {
			yield(Entry{}, j.err)
		}
	}
}

func (j *memoryJournal) Append(_ context.Context, r Entry) error {
	if j.err == nil {
		j.records = append(j.records, r)
	}
	return j.err
}

func openFile(t *testing.T, path string) *File {
	t.Helper()
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// writeFile writes a journal with two operations of a DID, one of which undoes the other, and one of another.
func writeFile(t *testing.T) (path string, dids []syntax.DID) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "plc.jsonl")
	c := newClock()
	d := newDirectory(t, DirectoryConfig{Journal: openFile(t, path), Clock: c.now})
	high, low := newSigner(t), newSigner(t)
	genesis := sign(t, &Operation{State: stateOf("alice", high, low)}, high)
	for _, op := range []Op{
		genesis,
		sign(t, &Tombstone{Prev: cidOf(t, genesis)}, low),
		sign(t, &Operation{State: stateOf("bob", high), Prev: cidOf(t, genesis)}, high),
	} {
		submit(t, d, didOf(t, genesis), op)
	}
	other := sign(t, &Operation{State: stateOf("carol", low)}, low)
	submit(t, d, didOf(t, other), other)
	return path, []syntax.DID{didOf(t, genesis), didOf(t, other)}
}

func TestFileLasts(t *testing.T) {
	path, dids := writeFile(t)
	d := newDirectory(t, DirectoryConfig{Journal: openFile(t, path)})
	audit, err := d.AuditLog(dids[0])
	if err != nil || len(audit) != 3 || !audit[1].Nullified {
		t.Error(audit, err)
	}
	for i, handle := range []syntax.Handle{"bob.test", "carol.test"} {
		if data, err := d.Data(dids[i]); err != nil || data.Handle() != handle {
			t.Error(data, err)
		}
	}
}

func TestFileCutOff(t *testing.T) {
	path, dids := writeFile(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	body := strings.TrimSuffix(string(whole), "\n")
	lastLine := strings.LastIndexByte(body, '\n') + 1
	k := newSigner(t)
	for _, cut := range []int{lastLine, lastLine + 1, lastLine + 50, len(body)} {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		d := newDirectory(t, DirectoryConfig{Journal: openFile(t, path)})
		if _, err := d.Data(dids[1]); !errors.Is(err, ErrNotFound) {
			t.Errorf("cut at %d: %v", cut, err)
		}
		op := sign(t, &Operation{State: stateOf("dave", k)}, k)
		submit(t, d, didOf(t, op), op)
		d = newDirectory(t, DirectoryConfig{Journal: openFile(t, path)})
		for _, did := range []syntax.DID{dids[0], didOf(t, op)} {
			if _, err := d.Data(did); err != nil {
				t.Errorf("cut at %d: %v", cut, err)
			}
		}
	}
}

func TestFileDamaged(t *testing.T) {
	path, _ := writeFile(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	for name, damaged := range map[string]string{
		"no JSON":                         lines[0] + "x\n" + lines[1],
		"another signature":               strings.Replace(string(whole), `"sig":"`, `"sig":"A`, 1),
		"another handle":                  strings.Replace(string(whole), "alice", "mallo", 1),
		"a line missing":                  strings.Join(lines[1:], ""),
		"lines in other order":            lines[0] + lines[2] + lines[1],
		"a line twice":                    lines[0] + lines[0],
		"a line longer than an operation": lines[0] + strings.Repeat("x", 2*maxBodyBytes) + "\n",
	} {
		if damaged == string(whole) {
			t.Fatal(name, "isn't damaged")
		}
		if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := NewDirectory(DirectoryConfig{Journal: openFile(t, path)}); err == nil {
			t.Errorf("%s: opens", name)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != damaged {
			t.Errorf("%s: opening has changed the file", name)
		}
	}
}

func TestFileOfTwoWriters(t *testing.T) {
	path, _ := writeFile(t)
	one := newDirectory(t, DirectoryConfig{Journal: openFile(t, path)})
	two := newDirectory(t, DirectoryConfig{Journal: openFile(t, path)})
	k := newSigner(t)
	op := sign(t, &Operation{State: stateOf("dave", k)}, k)
	submit(t, one, didOf(t, op), op)
	other := sign(t, &Operation{State: stateOf("erin", k)}, k)
	for range 2 {
		if two.Submit(t.Context(), didOf(t, other), other) == nil {
			t.Fatal("the second writer overwrites the first")
		}
	}
	if _, err := newDirectory(t, DirectoryConfig{Journal: openFile(t, path)}).Data(didOf(t, op)); err != nil {
		t.Error(err)
	}
}

func TestFileClosed(t *testing.T) {
	path, dids := writeFile(t)
	f := openFile(t, path)
	d := newDirectory(t, DirectoryConfig{Journal: f})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	k := newSigner(t)
	op := sign(t, &Operation{State: stateOf("dave", k)}, k)
	if d.Submit(t.Context(), didOf(t, op), op) == nil {
		t.Error("written to a closed file")
	}
	if _, err := d.Data(dids[0]); err != nil {
		t.Error(err)
	}
	if _, err := OpenFile(filepath.Join(path, "not a directory")); err == nil {
		t.Error("opened")
	}
}
