package storagetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

var waitSentences = []sentence{
	{"Events.WaitEvents", "at once", "WaitEvents returns nil when the log has an event whose sequence number is greater " +
		"than after: at once if it has one already", testWaitAtOnce},
	{"Events.WaitEvents", "not too early", "otherwise as soon as one is written", testWaitNotEarly},
	{"Events.WaitEvents", "whatever writes", "otherwise as soon as one is written, by whichever method and whoever does it.",
		testWaitMethods},
	{"Events.WaitEvents", "whoever writes", "A writer of the same Store wakes it within milliseconds", testWaitWrapped},
	{"Events.WaitEvents", "later numbers", "whose sequence number is greater than after", testWaitLater},
	{"Events.WaitEvents", "writers and many waiters", "It doesn't delay writers, and any number of calls may wait.",
		testWaitMany},
	{"Events.WaitEvents", "the context", "Error: that of ctx.", testWaitContext},
}

// patience is how long a test waits before it takes what it waits for as not to come. It is
// generous: it only has to end.
var patience = 10 * time.Second

// errLong is the error of what hasn't returned although it was time.
var errLong = errors.New("it doesn't return")

// attentive is a context that says when somebody has asked for its end, which is when he begins to
// wait.
type attentive struct {
	context.Context
	once  sync.Once
	asked chan struct{}
}

func (c *attentive) Done() <-chan struct{} {
	c.once.Do(func() { close(c.asked) })
	return c.Context.Done()
}

// waiting calls WaitEvents in a goroutine. When it waits, or has returned, waiting returns how to get
// its error.
func waiting(ctx context.Context, s storage.Store, after int64) func() error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	a := &attentive{Context: ctx, asked: make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		done <- s.WaitEvents(a, after)
		a.Done()
	}()
	select {
	case <-a.asked:
		yield()
	case <-time.After(patience / 100): // it looks at the context's Err from time to time
	}
	return func() error {
		defer cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(2 * patience):
			return errLong
		}
	}
}

// yield lets other goroutines go on.
func yield() {
	for range 100 {
		runtime.Gosched()
	}
}

// wantWaiting fails the test if WaitEvents returns although there is nothing.
func wantWaiting(t testing.TB, s storage.Store, after int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := waiting(ctx, s, after)(); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("WaitEvents after %d returns %v, and there is no such event", after, err)
	}
}

func testWaitAtOnce(t *testing.T, s storage.Store) {
	create(t, s, 1)
	log := events(t, s)
	for _, after := range []int64{-1, 0, log[0].Seq, log[len(log)-1].Seq - 1} {
		ok(t, "WaitEvents", waiting(t.Context(), s, after)())
	}
}

func testWaitNotEarly(t *testing.T, s storage.Store) {
	ctx := t.Context()
	wantWaiting(t, s, 0)
	ok(t, "RaiseSeq", s.RaiseSeq(ctx, 7)) // a number that is skipped is no event
	wantWaiting(t, s, 0)
	r := create(t, s, 1)
	last := must(s.LastSeq(ctx))(t)
	wantWaiting(t, s, last)
	wantWaiting(t, s, last+100)
	// What writes no event wakes nobody.
	store(t, s, testDocument("kind", "id", testDID(1), 9))
	upload(t, s, testBlob(testDID(1), "blob", 1))
	alter(t, s, 1, func(a *storage.Account) { a.PasswordHash = "new" })
	c, _ := r.commit(put("a.b.c/1", "one"))
	c.Events = nil
	must(s.Commit(ctx, c))(t)
	ok(t, "RaiseSeq", s.RaiseSeq(ctx, last+10))
	wantWaiting(t, s, last)
	must(s.TrimEvents(ctx, at(1e6), 100))(t)
	wantWaiting(t, s, 0) // they were there once
}

// eventWriters are the methods that append events. Each writes to the account of r, or creates the
// second one.
var eventWriters = []struct {
	name  string
	write func(ctx context.Context, s storage.Store, r *tree) error
}{
	{"AppendEvents", func(ctx context.Context, s storage.Store, r *tree) error {
		return only(s.AppendEvents(ctx, testEvent(r.head.DID, storage.EventIdentity, 1)))
	}},
	{"UpdateAccount", func(ctx context.Context, s storage.Store, r *tree) error {
		same := func(*storage.Account) error { return nil }
		return only(s.UpdateAccount(ctx, r.head.DID, same, testEvent(r.head.DID, storage.EventAccount, 1)))
	}},
	{"Commit", func(ctx context.Context, s storage.Store, r *tree) error {
		c, _ := r.commit(put("a.b.c/1", "one"))
		return only(s.Commit(ctx, c))
	}},
	{"Replace", func(ctx context.Context, s storage.Store, r *tree) error {
		c, rows, _ := r.replace(put("a.b.c/1", "one"))
		return only(s.Replace(ctx, c, rowsOf(rows)))
	}},
	{"CreateAccount", func(ctx context.Context, s storage.Store, r *tree) error {
		a, _ := newAccount(2)
		return only(s.CreateAccount(ctx, a))
	}},
	{"DeleteAccount", func(ctx context.Context, s storage.Store, r *tree) error {
		return only(s.DeleteAccount(ctx, r.head.DID, testEvent(r.head.DID, storage.EventAccount, 1)))
	}},
}

// testWaitWoken waits while each of the methods writes through writer.
func testWaitWoken(t *testing.T, s, writer storage.Store) {
	for _, w := range eventWriters {
		r := create(t, s, 1)
		last := must(s.LastSeq(t.Context()))(t)
		woken := waiting(t.Context(), s, last)
		ok(t, w.name, w.write(t.Context(), writer, r))
		if err := woken(); err != nil {
			t.Fatalf("WaitEvents isn't woken by %s: %v", w.name, err)
		}
		after := storage.EventRange{After: last}
		if n := len(all(t, "ListEvents", s.ListEvents(t.Context(), after))); n == 0 {
			t.Fatalf("WaitEvents returns after %s, and there is nothing to read", w.name)
		}
		for n := range 3 {
			must(s.DeleteAccount(t.Context(), testDID(n)))(t)
		}
	}
}

func testWaitMethods(t *testing.T, s storage.Store) { testWaitWoken(t, s, s) }

// testWaitWrapped writes through another handle, around whatever wrapper s may be, as another
// server of the process does.
func testWaitWrapped(t *testing.T, s storage.Store) {
	writer := s
	for {
		w, ok := writer.(interface{ Unwrap() storage.Store })
		if !ok {
			break
		}
		writer = w.Unwrap()
	}
	testWaitWoken(t, s, writer)
	testWaitWoken(t, &Faulty{Store: s, Decide: func(string) Fault { return NoFault }}, s)
}

func testWaitLater(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create(t, s, 1)
	target := must(s.LastSeq(ctx))(t) + 10
	var last atomic.Int64 // what has been written for certain
	early := errors.New("it returns too early")
	woken, done := waiting(ctx, s, target), make(chan error, 1)
	go func() {
		err := woken()
		if err == nil && last.Load() < target {
			err = early
		}
		done <- err
	}()
	for last.Load() <= target {
		last.Store(must(s.AppendEvents(ctx, testEvent(testDID(1), storage.EventSync, 1)))(t))
		for range 10 {
			yield()
		}
	}
	ok(t, "WaitEvents", <-done)
}

func testWaitMany(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1)
	last := must(s.LastSeq(ctx))(t)
	var woken []func() error
	for i := range 200 {
		woken = append(woken, waiting(t.Context(), s, last+int64(i%3)))
	}
	stopped, cancel := context.WithCancel(ctx)
	for range 50 { // that go away
		go s.WaitEvents(stopped, last)
	}
	cancel()
	for i := range 10 {
		within(t, "Commit while many wait", func() error {
			c, next := r.commit(put("a.b.c/1", fmt.Sprint(i)))
			r = next
			return only(s.Commit(ctx, c))
		})
	}
	for _, woken := range woken {
		ok(t, "WaitEvents", woken())
	}
}

func testWaitContext(t *testing.T, s storage.Store) {
	create(t, s, 1)
	last := must(s.LastSeq(t.Context()))(t)
	ctx, cancel := context.WithCancel(t.Context())
	woken := waiting(ctx, s, last)
	cancel()
	fails(t, "WaitEvents", woken(), context.Canceled)
	fails(t, "WaitEvents with a context that has ended", waiting(ctx, s, last)(), context.Canceled)
}
