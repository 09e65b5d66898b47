package sqlite

import (
	"sync"
	"testing"
	"time"

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

// Readers of whom there is always one, none of them for long, don't keep the log from starting over.
func TestCheckpointRelay(t *testing.T) {
	s := open(t, Options{CheckpointSize: 32 * pageSize})
	db, err := openWriter(s.readers.path, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	var readers sync.WaitGroup
	defer readers.Wait()
	stop := make(chan struct{})
	defer close(stop)
	const hold, places = 10 * time.Millisecond, 3
	for i := range places {
		readers.Go(func() {
			for wait := time.Duration(i) * hold / places; ; wait = 0 { // they take turns
				select {
				case <-time.After(wait):
				case <-stop:
					return
				}
				if err := s.Snapshot(t.Context(), func(storage.RepoReader) error { <-time.After(hold); return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	k := committer{repo: 1}
	written, most, last := 0, 0, 0
	for range 300 {
		if _, err := s.Commit(t.Context(), k.next()); err != nil {
			t.Fatal(err)
		}
		n, err := one(db, scanFrames, `PRAGMA wal_checkpoint(noop)`)
		if err != nil {
			t.Fatal(err)
		}
		written += max(n-last, 0)
		most, last = max(most, n), n
	}
	if most > written/2 {
		t.Errorf("the log grew to %d frames, of %d written", most, written)
	}
}
