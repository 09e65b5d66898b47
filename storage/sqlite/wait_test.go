package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

// waiting returns the outcome of WaitEvents, once it waits.
func waiting(t *testing.T, s *Store, after int64) <-chan error {
	t.Helper()
	result := make(chan error, 1)
	go func() { result <- s.WaitEvents(t.Context(), after) }()
	return result
}

// Whatever method appends an event wakes who waits for it; others, and events that are rolled back,
// don't.
func TestWaitEvents(t *testing.T) {
	s := open(t, Options{})
	d := did(1)
	c := firstCommit(d, 1)
	second := storage.Commit{Prev: c.Head.Commit, Head: head(d, 2), Events: []storage.Event{event(d, 10)}}
	third := storage.Commit{Prev: second.Head.Commit, Head: head(d, 3), Events: []storage.Event{event(d, 10)}}
	steps := []struct {
		name  string
		write func() (int64, error)
	}{
		{"CreateAccount", func() (int64, error) {
			_, err := s.CreateAccount(t.Context(), storage.NewAccount{Account: storage.Account{DID: d}, Commit: c})
			return 1, err
		}},
		{"AppendEvents", func() (int64, error) { return s.AppendEvents(t.Context(), event(d, 10)) }},
		{"Commit", func() (int64, error) { return s.Commit(t.Context(), second) }},
		{"Replace", func() (int64, error) { return s.Replace(t.Context(), third, repoRows(3)) }},
		{"UpdateAccount", func() (int64, error) {
			return s.UpdateAccount(t.Context(), d, func(*storage.Account) error { return nil }, event(d, 10))
		}},
		{"DeleteAccount", func() (int64, error) { return s.DeleteAccount(t.Context(), d, event(d, 10)) }},
	}
	for i, step := range steps {
		woken := waiting(t, s, int64(i))
		if err := putKey(t.Context(), s, step.name); err != nil {
			t.Fatal(err)
		}
		o, err := s.writer.submit(func(db *conn) error {
			_, err := appendEvents(db, []storage.Event{event(d, 10)})
			return errors.Join(err, errors.New("spoiled"))
		})
		if err != nil {
			t.Fatal(err)
		}
		<-o.done
		select {
		case err := <-woken:
			t.Errorf("before %s it's woken, %v", step.name, err)
		default:
		}
		if seq, err := step.write(); err != nil || seq != int64(i+1) {
			t.Fatalf("%s: event %d, %v", step.name, seq, err)
		}
		if err := <-woken; err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if err := s.WaitEvents(t.Context(), int64(i)); err != nil {
			t.Errorf("%s: what is there already: %v", step.name, err)
		}
	}
}

// Any number of callers may wait, each for its own event, and none misses it.
func TestWaitEventsMany(t *testing.T) {
	s := open(t, Options{})
	const events, waiters = 200, 8
	var wg sync.WaitGroup
	for range waiters {
		wg.Go(func() {
			for seen := int64(0); seen < events; {
				if err := s.WaitEvents(t.Context(), seen); err != nil {
					t.Error(err)
					return
				}
				before := seen
				for e, err := range s.ListEvents(t.Context(), storage.EventRange{After: seen}) {
					if err != nil {
						t.Error(err)
						return
					}
					seen = e.Seq
				}
				if seen == before {
					t.Errorf("woken without an event after %d", seen)
				}
			}
		})
	}
	for range events {
		if _, err := s.AppendEvents(t.Context(), event(did(1), 10)); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
}

// Who waits is told when its context ends, and when the store is closed.
func TestWaitEventsEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pds.sqlite")
	w := openAt(t, path, Options{Create: true})
	r, err := OpenReadOnly(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Store{"open for writing": w, "open for reading only": r} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.WaitEvents(ctx, 0) }()
		woken := waiting(t, s, 0)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want Canceled", name, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-woken; !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
		if err := s.WaitEvents(t.Context(), 0); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s, after Close: %v, want ErrClosed", name, err)
		}
	}
}

// A store that is open for reading only sees within a second what another one writes.
func TestWaitEventsReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pds.sqlite")
	w := openAt(t, path, Options{Create: true})
	r, err := OpenReadOnly(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	woken := waiting(t, r, 0)
	if _, err := w.AppendEvents(t.Context(), event(did(1), 10)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := <-woken; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*pollEvery { // ten times what it should be
		t.Errorf("it took %v", took)
	}
}

// BenchmarkWaitEvents measures from the call that appends an event until another goroutine is
// woken.
func BenchmarkWaitEvents(b *testing.B) {
	s := open(b, Options{})
	woken, next := make(chan error), make(chan int64)
	go func() {
		defer close(woken)
		for after := range next {
			woken <- s.WaitEvents(b.Context(), after)
		}
	}()
	last := int64(0)
	for b.Loop() {
		next <- last
		var err error
		if last, err = s.AppendEvents(b.Context(), event(did(1), 100)); err != nil {
			b.Fatal(err)
		}
		if err := <-woken; err != nil {
			b.Fatal(err)
		}
	}
	close(next)
	<-woken
}
