package firehose_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// newLog returns a log of n events.
func newLog(t testing.TB, n int) firehose.Log {
	t.Helper()
	log := firehose.Log{Events: memory.New()}
	appendEvents(t, log, n)
	return log
}

func appendEvents(t testing.TB, log firehose.Log, n int) {
	t.Helper()
	e, err := firehose.AccountEvent("did:web:a.example", storage.StatusActive, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for n > 0 {
		events := make([]storage.Event, min(n, 1000))
		for i := range events {
			events[i] = e
		}
		if _, err := log.AppendEvents(t.Context(), events...); err != nil {
			t.Error(err)
			return
		}
		n -= len(events)
	}
}

// Readers whose cursors are spread over a long log, and who join while events keep coming, get each event exactly once
// and in order.
func TestCutOver(t *testing.T) {
	const old, readers = 100_000, 100
	fresh := 1000
	if testing.Short() {
		fresh = 200
	}
	log := newLog(t, old)
	stream := firehose.NewStream(firehose.StreamConfig{Events: log, Buffer: 5000})
	end := int64(old + fresh)
	var wg sync.WaitGroup
	wg.Go(func() { // 500 events a second
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for range fresh {
			<-tick.C
			appendEvents(t, log, 1)
		}
	})
	for r := range readers {
		wg.Go(func() {
			last := int64(r * old / readers)
			for frames, err := range stream.Read(t.Context(), firehose.Cursor{After: last}) {
				if err != nil {
					t.Errorf("reader %d at %d: %v", r, last, err)
					return
				}
				for _, f := range frames {
					if f.Seq != last+1 {
						t.Errorf("reader %d got %d after %d", r, f.Seq, last)
						return
					}
					last = f.Seq
				}
				if last == end {
					return
				}
			}
		})
	}
	wg.Wait()
}

// Numbers may be missing from the log, even all that a cursor has before it: a reader goes on behind them.
func TestCutOverAtAGap(t *testing.T) {
	log := newLog(t, 10)
	stream := firehose.NewStream(firehose.StreamConfig{Events: log, Buffer: 2})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := log.TrimEvents(ctx, time.Now().Add(time.Hour), 10); err != nil {
		t.Fatal(err)
	}
	got := make(chan int64, 20)
	go func() {
		for frames, err := range stream.Read(ctx, firehose.Cursor{After: 3}) {
			if err != nil {
				return
			}
			for _, f := range frames {
				got <- f.Seq
			}
		}
	}()
	for want := int64(11); want < 20; want++ {
		appendEvents(t, log, 1)
		if seq := <-got; seq != want {
			t.Fatalf("got %d, want %d", seq, want)
		}
	}
}

func TestCursors(t *testing.T) {
	log := newLog(t, 10)
	stream := firehose.NewStream(firehose.StreamConfig{Events: log})
	for _, err := range stream.Read(t.Context(), firehose.Cursor{After: 11}) {
		if !errors.Is(err, firehose.ErrFutureCursor) {
			t.Errorf("a cursor in the future: %v", err)
		}
	}
	outdated := func(after int64) bool {
		is, err := stream.Outdated(t.Context(), firehose.Cursor{After: after})
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	if outdated(0) {
		t.Error("the beginning of a whole log is outdated")
	}
	if _, err := log.TrimEvents(t.Context(), time.Now().Add(time.Hour), 4); err != nil {
		t.Fatal(err)
	}
	if !outdated(3) || outdated(4) || outdated(10) {
		t.Error("with 5 as the first event, outdated is", outdated(3), outdated(4), outdated(10))
	}
	if _, err := log.TrimEvents(t.Context(), time.Now().Add(time.Hour), 100); err != nil {
		t.Fatal(err)
	}
	if !outdated(9) || outdated(10) {
		t.Error("with an empty log, outdated is", outdated(9), outdated(10))
	}
}

// A live reader that takes nothing is told so when the events it hasn't taken are gone; others don't notice, and those
// who come later start afresh.
func TestTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t, 0)
		stream := firehose.NewStream(firehose.StreamConfig{Events: log, Buffer: 10})
		slow, resume := make(chan error), make(chan struct{})
		go func() {
			for _, err := range stream.Read(t.Context(), firehose.Cursor{Live: true}) {
				if err != nil {
					slow <- err
					return
				}
				<-resume
			}
		}()
		ctx, cancel := context.WithCancel(t.Context())
		fast := make(chan int64, 100)
		go func() {
			for frames, err := range stream.Read(ctx, firehose.Cursor{Live: true}) {
				if err != nil {
					close(fast)
					return
				}
				for _, f := range frames {
					fast <- f.Seq
				}
			}
		}()
		synctest.Wait()
		for range 30 {
			appendEvents(t, log, 1)
			synctest.Wait()
		}
		close(resume)
		if err := <-slow; !errors.Is(err, firehose.ErrTooSlow) {
			t.Errorf("the slow reader got %v", err)
		}
		if len(fast) != 30 {
			t.Errorf("the fast reader got %d events", len(fast))
		}
		cancel()
		for range fast {
		}
		synctest.Wait()
		appendEvents(t, log, 30)
		ctx, cancel = context.WithCancel(t.Context())
		again := make(chan int64, 100)
		go func() {
			for frames, err := range stream.Read(ctx, firehose.Cursor{Live: true}) {
				if err != nil {
					return
				}
				again <- frames[0].Seq
			}
		}()
		synctest.Wait()
		appendEvents(t, log, 1)
		if seq := <-again; seq != 61 {
			t.Errorf("a later reader got %d first", seq)
		}
		cancel()
		synctest.Wait()
	})
}

func FuzzFrame(f *testing.F) {
	e, err := firehose.AccountEvent("did:web:a.example", storage.StatusTakendown, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.Body)
	f.Add([]byte{0xa1, 0x63, 's', 'e', 'q', 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		firehose.NewFrame(storage.Event{Seq: 1 << 40, Kind: storage.EventAccount, Body: body})
	})
}

func BenchmarkReplay(b *testing.B) {
	log := newLog(b, 100_000)
	stream := firehose.NewStream(firehose.StreamConfig{Events: log})
	for b.Loop() {
		for frames, err := range stream.Read(b.Context(), firehose.Cursor{}) {
			if err != nil {
				b.Fatal(err)
			}
			if frames[len(frames)-1].Seq == 100_000 {
				break
			}
		}
	}
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "events/s")
}
