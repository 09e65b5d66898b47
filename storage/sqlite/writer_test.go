package sqlite

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// hold keeps the writer busy until the returned function is called.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	started, stop := make(chan struct{}), make(chan struct{})
	o, err := s.writer.submit(func(*conn) error {
		close(started)
		<-stop
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	<-started
	return func() {
		close(stop)
		<-o.done
	}
}

// queued waits until n writes are in the queue.
func queued(s *Store, n int) {
	for {
		s.writer.mu.Lock()
		have := len(s.writer.queue)
		s.writer.mu.Unlock()
		if have >= n {
			return
		}
	}
}

// What queues up behind a transaction shares the next one.
func TestGroupCommit(t *testing.T) {
	s := open(t, Options{})
	before := s.Counters()
	release := hold(t, s)
	const n = 50
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := s.Commit(t.Context(), firstCommit(did(i), 1)); err != nil {
				t.Error(err)
			}
		})
	}
	queued(s, n)
	release()
	wg.Wait()
	after := s.Counters()
	if w, x := after.Writes-before.Writes, after.Transactions-before.Transactions; w != n || x != 1 {
		t.Errorf("%d writes in %d transactions, want %d in 1", w, x, n)
	}
}

// A write that fails half way takes nothing of its group with it, and leaves nothing behind.
func TestSpoiler(t *testing.T) {
	s := open(t, Options{})
	release := hold(t, s)
	errSpoiled := errors.New("spoiled")
	var wg sync.WaitGroup
	runs := 0
	for i := range 9 {
		if i == 4 {
			o, err := s.writer.submit(func(db *conn) error {
				runs++
				return errors.Join(db.exec(`INSERT INTO documents VALUES ('key', 'spoiled', '', x'', 0, 0)`), errSpoiled)
			})
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				if err := o.wait(t.Context()); !errors.Is(err, errSpoiled) {
					t.Errorf("outcome of the spoiler: %v", err)
				}
			})
		}
		wg.Go(func() {
			if _, err := s.Commit(t.Context(), firstCommit(did(i), 3)); err != nil {
				t.Error(err)
			}
		})
		queued(s, i+1)
	}
	queued(s, 10)
	release()
	wg.Wait()
	if runs != 1 {
		t.Errorf("the spoiler ran %d times", runs)
	}
	if err := findKey(t.Context(), s, "spoiled"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the spoiler's key: %v", err)
	}
	for i := range 9 {
		if _, err := s.Record(t.Context(), did(i), path(2)); err != nil {
			t.Errorf("repo %d: %v", i, err)
		}
	}
	last, err := s.LastSeq(t.Context())
	if err != nil || last != 9 {
		t.Errorf("last sequence number is %d, %v, want 9: one for each commit", last, err)
	}
}

// A write whose context ends while it is queued never happens.
func TestCancelQueued(t *testing.T) {
	s := open(t, Options{})
	release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { result <- putKey(ctx, s, "k") }()
	queued(s, 1)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
	release()
	if err := putKey(t.Context(), s, "other"); err != nil {
		t.Fatal(err)
	}
	if err := findKey(t.Context(), s, "k"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

// A write whose context ends while it is under way has its outcome told.
func TestCancelUnderWay(t *testing.T) {
	s := open(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	err := writeOnly(ctx, s.writer, func(db *conn) error {
		cancel()
		return db.exec(`INSERT INTO documents VALUES ('key', 'k', '', x'00', 0, 0)`)
	})
	if err != nil {
		t.Errorf("got %v, want the outcome", err)
	}
	if err := findKey(t.Context(), s, "k"); err != nil {
		t.Error(err)
	}
}

// While a write is under way, everything can be read as it was before.
func TestReadersDontWait(t *testing.T) {
	s := open(t, Options{})
	if _, err := s.Commit(t.Context(), firstCommit(did(1), 3)); err != nil {
		t.Fatal(err)
	}
	started, stop := make(chan struct{}), make(chan struct{})
	o, err := s.writer.submit(func(db *conn) error {
		err := db.exec(`DELETE FROM records`)
		close(started)
		<-stop
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	<-started
	n := 0
	for r, err := range s.Records(t.Context(), did(1), storage.RecordRange{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Record(t.Context(), did(1), r.Path); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 3 {
		t.Errorf("%d records during the write, want 3", n)
	}
	close(stop)
	if err := o.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Record(t.Context(), did(1), path(0)); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("after the write: %v, want ErrNotFound", err)
	}
}
