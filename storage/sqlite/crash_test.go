package sqlite

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// TestCrash kills a process that writes, with a checkpoint every few writes, so that some of the
// kills hit one.
func TestCrash(t *testing.T) {
	storagetest.Crash(t, func(dir string) (storage.Store, error) {
		o := Options{Create: true, CheckpointSize: 1 << 18}
		s, err := Open(context.Background(), filepath.Join(dir, "pds.sqlite"), o)
		return &crashed{s, t}, err
	})
}

// crashed looks below the contracts when Crash has examined the store and had its garbage removed:
// at what SQLite knows of its file, and for rows that no method returns.
type crashed struct {
	*Store
	t *testing.T
}

func (s *crashed) Close() error {
	if !s.t.Failed() {
		integrity(s.t, s.Store)
		checkNoGarbage(s.t, s.Store)
	}
	return s.Store.Close()
}

// checkNoGarbage looks for rows that belong to no repo.
func checkNoGarbage(t *testing.T, s *Store) {
	t.Helper()
	for _, table := range []string{
		"contents", "fresh_nodes", "nodes", "records", "record_cids", "fresh_cids", "subjects", "collections", "blob_refs",
	} {
		column := "content"
		if table == "contents" {
			column = "id"
		}
		n, err := read(t.Context(), s.readers, func(db *conn) (int64, error) {
			return one(db, scanInt, `SELECT count(*) FROM `+table+` WHERE `+column+` NOT IN (SELECT content FROM repos)`)
		})
		if err != nil || n > 0 {
			t.Errorf("%s: %d rows of no repo, %v", table, n, err)
		}
	}
}
