package sqlite

import (
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// However much is written, the log stays within a few times its limit. A snapshot makes it grow, for as long as it
// lasts.
func TestCheckpoint(t *testing.T) {
	const limit = 8 // frames
	s := open(t, Options{CheckpointSize: limit * pageSize})
	db, err := openWriter(s.readers.path, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	k := committer{repo: 1}
	commits := func(n int) (most int) {
		for range n {
			if _, err := s.Commit(t.Context(), k.next()); err != nil {
				t.Fatal(err)
			}
			n, err := one(db, scanFrames, `PRAGMA wal_checkpoint(noop)`)
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, n)
		}
		return most
	}
	const bound = (2+maxGrowth)*limit + 20 // 20 for a commit

	commits(50) // until the tables that Open has made are no longer in the log
	if most := commits(150); most > bound {
		t.Errorf("the log grew to %d frames, want at most %d", most, bound)
	}
	if n := s.Counters().Checkpoints; n == 0 {
		t.Error("no checkpoint is counted")
	}
	err = s.Snapshot(t.Context(), func(r storage.RepoReader) error {
		if most := commits(50); most < 50 {
			t.Errorf("the log has %d frames during a snapshot, want all that is written", most)
		}
		h, err := r.Head(t.Context(), did(1))
		if h.Rev != rev(200) {
			t.Errorf("the snapshot sees %s, want %s", h.Rev, rev(200))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	commits(50)
	if most := commits(50); most > bound {
		t.Errorf("after a snapshot, the log grew to %d frames, want at most %d", most, bound)
	}
}
