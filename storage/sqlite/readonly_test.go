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
	for i := range 2 { // an account that has been read is read again, as it is now
		a := storage.Account{DID: did(2), Handle: "old.test"}
		if i == 0 {
			_, err = w.CreateAccount(t.Context(), storage.NewAccount{Account: a, Commit: storage.Commit{Head: head(did(2), 1)}})
		} else {
			a.Handle = "new.test"
			_, err = w.UpdateAccount(t.Context(), did(2), func(old *storage.Account) error { old.Handle = a.Handle; return nil })
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Account(t.Context(), did(2)); err != nil || got.Handle != a.Handle {
			t.Errorf("the reader sees %s, %v, want %s", got.Handle, err, a.Handle)
		}
	}
	if _, err := r.DeleteAccount(t.Context(), did(2)); !errors.Is(err, ErrReadOnly) {
		t.Errorf("writing: %v", err)
	}
	if _, err := r.AppendEvents(t.Context(), event(did(1), 10)); !errors.Is(err, ErrReadOnly) {
		t.Errorf("writing: %v", err)
	}
	if err := putKey(t.Context(), r, "name"); !errors.Is(err, ErrReadOnly) {
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
