package storagetest

import (
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// fillLog appends 5,000 events, of which ten are of the first account.
func fillLog(b *testing.B, s storage.Store) {
	b.Helper()
	const batch, batches = 100, 50
	for i := range batches {
		var es []storage.Event
		for j := range batch {
			e := storage.Event{DID: testDID(j + 1), Kind: storage.EventCommit, Time: at(i), Body: make([]byte, 3000)}
			if j == 50 && i%5 == 0 {
				e.DID = testDID(0)
			}
			es = append(es, e)
		}
		if _, err := s.AppendEvents(b.Context(), es...); err != nil {
			b.Fatal(err)
		}
	}
}

// readLog reads the events of a range, again and again.
func readLog(b *testing.B, s storage.Store, r storage.EventRange) {
	b.Helper()
	fillLog(b, s)
	n := 0
	for b.Loop() {
		for _, err := range s.ListEvents(b.Context(), r) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

func benchmarkListEvents(b *testing.B, s storage.Store) { readLog(b, s, storage.EventRange{}) }

func benchmarkListEventsOf(b *testing.B, s storage.Store) {
	readLog(b, s, storage.EventRange{DID: testDID(0)})
}

func benchmarkWaitEvents(b *testing.B, s storage.Store) {
	ctx := b.Context()
	r := create(b, s, 1)
	last := must(s.LastSeq(ctx))(b)
	wait, woken := make(chan int64), make(chan error)
	go func() {
		for after := range wait {
			err := s.WaitEvents(ctx, after)
			if err == nil {
				_, err = collect(s.ListEvents(ctx, storage.EventRange{After: after}))
			}
			woken <- err
		}
	}()
	defer close(wait)
	e := testEvent(r.head.DID, storage.EventAccount, 1)
	for b.Loop() {
		wait <- last
		seq, err := s.UpdateAccount(ctx, r.head.DID, func(a *storage.Account) error { a.Epoch++; return nil }, e)
		if err != nil {
			b.Fatal(err)
		}
		last = seq
		if err := <-woken; err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkPutDocument(b *testing.B, s storage.Store) {
	n := 0
	for b.Loop() {
		n++
		d := testDocument("kind", testRev(n).String(), testDID(n%100), n)
		if err := s.PutDocument(b.Context(), fresh(d)); err != nil {
			b.Fatal(err)
		}
	}
}
