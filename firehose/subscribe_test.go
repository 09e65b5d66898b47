package firehose_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// Readers that join at any moment of a busy log see each event after theirs once, in order.
func TestSubscribe(t *testing.T) {
	const writers, each, readers = 4, 300, 8
	log := firehose.Log{Events: memory.New()}
	appendEvents(t, log, 100)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				appendEvents(t, log, 1)
			}
		})
	}
	for r := range readers {
		wg.Go(func() {
			after := int64(r * 10)
			for e, err := range log.Subscribe(ctx, after) {
				if err != nil || e.Seq != after+1 { // a memory store leaves no gaps
					t.Errorf("reader %d: after %d comes %d, %v", r, after, e.Seq, err)
					return
				}
				if after = e.Seq; after == 100+writers*each {
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestSubscribeEndsWithItsContext(t *testing.T) {
	log := firehose.Log{Events: memory.New()}
	appendEvents(t, log, 10)
	ctx, cancel := context.WithCancel(t.Context())
	got := collect(log.Subscribe(ctx, 0), func(e firehose.Event) {
		if e.Seq == 5 {
			cancel()
		}
	})
	if got != "[1 2 3 4 5] context canceled" {
		t.Errorf("got %s", got)
	}
}

func TestSubscribeCursors(t *testing.T) {
	log := firehose.Log{Events: memory.New()}
	const outdated, future = "[] firehose: cursor is older than the log", "[] firehose: cursor in the future"
	at := func(after int64, want string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if got := collect(log.Subscribe(ctx, after), func(e firehose.Event) { cancel() }); got != want {
			t.Errorf("after %d: got %s, want %s", after, got, want)
		}
	}
	at(1, future)
	appendEvents(t, log, 10)
	at(0, "[1] context canceled")
	at(11, future)
	trim(t, log, 5)
	at(0, outdated)
	at(4, outdated)
	at(5, "[6] context canceled")
	trim(t, log, 5)
	at(5, outdated)
	at(9, outdated)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := collect(log.Subscribe(ctx, 10), nil); got != "[] context canceled" {
		t.Errorf("after all of a log that is empty now: got %s", got)
	}
}

// A loop that is slower than the removal of old events is told so, and not just shown what is left.
func TestSubscribeOvertaken(t *testing.T) {
	for _, more := range []int{0, 1} {
		log := firehose.Log{Events: memory.New()}
		appendEvents(t, log, 600)
		var last int64
		var end error
		for e, err := range log.Subscribe(t.Context(), 0) {
			if err != nil {
				end = err
				break
			}
			if last = e.Seq; last == 1 { // more is in memory already
				trim(t, log, 600)
				appendEvents(t, log, more)
			}
		}
		if !errors.Is(end, firehose.ErrOutdatedCursor) || last >= 600 {
			t.Errorf("with %d events more it ended after %d with %v", more, last, end)
		}
	}
}

// A reader that has everything isn't taken for an outdated one when the log becomes empty and numbers are left out.
func TestSubscribeGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := firehose.Log{Events: without{memory.New(), 2}}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		appendEvents(t, log, 1)
		got := make(chan string)
		go func() {
			got <- collect(log.Subscribe(ctx, 0), func(e firehose.Event) {
				if e.Seq == 3 {
					cancel()
				}
			})
		}()
		synctest.Wait()
		trim(t, log, 1)
		appendEvents(t, log, 2)
		if got := <-got; got != "[1 3] context canceled" {
			t.Errorf("got %s", got)
		}
	})
}

func TestSubscribeStopsAtWhatItCantDecode(t *testing.T) {
	log := firehose.Log{Events: memory.New()}
	if _, err := log.AppendEvents(t.Context(), storage.Event{DID: "did:web:a.example", Kind: "#other", Time: noon}); err != nil {
		t.Fatal(err)
	}
	want := `[] firehose: decode event 1, "#other" of did:web:a.example: unknown kind`
	if got := collect(log.Subscribe(t.Context(), 0), nil); got != want {
		t.Errorf("got %s", got)
	}
}

// without is a store whose log leaves out a number.
type without struct {
	storage.Store
	seq int64
}

func (w without) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		for e, err := range w.Store.ListEvents(ctx, r) {
			if e.Seq != w.seq && !yield(e, err) {
				return
			}
		}
	}
}

// collect returns the numbers that a subscription yields, and the error that it ends with.
func collect(events iter.Seq2[firehose.Event, error], each func(firehose.Event)) string {
	seqs := []int64{}
	for e, err := range events {
		if err != nil {
			return fmt.Sprint(seqs, " ", err)
		}
		seqs = append(seqs, e.Seq)
		each(e)
	}
	return fmt.Sprint(seqs)
}

func trim(t *testing.T, log firehose.Log, n int) {
	t.Helper()
	if got, err := log.TrimEvents(t.Context(), time.Now().Add(time.Hour), n); err != nil || got != n {
		t.Fatalf("removed %d events, %v", got, err)
	}
}
