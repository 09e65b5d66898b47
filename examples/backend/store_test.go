package main

import (
	"path/filepath"
	"testing"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/sqlite"
	"github.com/pdskit/pdskit/storage/storagetest"
)

func open(t *testing.T, dir string, rest storage.Store) storage.Store {
	t.Helper()
	d, err := openDocuments(t.Context(), filepath.Join(dir, "documents.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	return &store{Store: rest, documents: d}
}

func TestStore(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return open(t, t.TempDir(), memory.New()) }, storagetest.InMemory)
}

func TestReopen(t *testing.T) {
	storagetest.RunReopen(t, func(t *testing.T, dir string) storage.Store {
		rest, err := sqlite.Open(t.Context(), filepath.Join(dir, "pds.sqlite"), sqlite.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := rest.Close(); err != nil {
				t.Error(err)
			}
		})
		return open(t, dir, rest)
	})
}
