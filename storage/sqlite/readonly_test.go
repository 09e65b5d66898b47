package sqlite

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// A store can be read while somebody else writes to it, sees what is written, and writes nothing itself.
func TestOpenReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pds.sqlite")
	if _, err := OpenReadOnly(t.Context(), path, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a database: %v", err)
	}
	w := openAt(t, path, Options{Create: true})
	r, err := OpenReadOnly(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		want, err := w.AppendEvents(t.Context(), event(did(n), 10))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.LastSeq(t.Context()); err != nil || got != want {
			t.Errorf("the reader sees %d, %v, want %d", got, err, want)
		}
	}
	if _, err := r.AppendEvents(t.Context(), event(did(1), 10)); !errors.Is(err, ErrReadOnly) {
		t.Errorf("writing: %v", err)
	}
	if err := r.PutKey(t.Context(), "name", []byte("sealed")); !errors.Is(err, ErrReadOnly) {
		t.Errorf("writing: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if got, err := r.LastSeq(t.Context()); err != nil || got != 3 {
		t.Errorf("after the writer has closed, the reader sees %d, %v", got, err)
	}
	if r.Counters() != (Counters{}) {
		t.Errorf("%+v", r.Counters())
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	r, err = OpenReadOnly(t.Context(), path, Options{}) // nobody has it open
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Account(t.Context(), did(1)); !errors.Is(err, storage.ErrNotFound) {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
