package storagetest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// raceEvents follows the log while many write to it. What was seen has to be all there is.
func raceEvents(t *testing.T, s storage.Store) {
	ctx := t.Context()
	const writers = racers / 2
	var rs [racers]*tree
	for i := range writers {
		rs[i] = create(t, s, i)
	}
	total := len(events(t, s)) + writers*rounds*2*(1+2)
	var writing atomic.Int32
	writing.Store(writers)
	errs := race(func(i int) error {
		if i < writers {
			defer writing.Add(-1)
			for n := range rounds * 2 {
				c, next := rs[i].commit(put("a.b.c/1", fmt.Sprint(n)))
				if _, err := s.Commit(ctx, c); err != nil {
					return err
				}
				rs[i] = next
				e := testEvent(testDID(i), storage.EventSync, n)
				seq, err := s.AppendEvents(ctx, e, e)
				if err != nil {
					return err
				}
				if n%6 == i { // others may be further than that already
					if err := s.RaiseSeq(ctx, seq+3); err != nil {
						return err
					}
				}
			}
			return nil
		}
		seen, after := 0, int64(0)
		for {
			done, n := writing.Load() == 0, 0
			for e, err := range s.ListEvents(ctx, storage.EventRange{After: after, Limit: 7 * (i - writers)}) { // the first reads all that there is
				if err != nil {
					return err
				}
				if e.Seq <= after {
					return fmt.Errorf("event %d comes after %d", e.Seq, after)
				}
				after = e.Seq
				n++
			}
			if seen += n; done && n == 0 {
				break
			}
			now, err := collect(s.ListEvents(ctx, storage.EventRange{}))
			if err != nil {
				return err
			}
			before := 0
			for _, e := range now {
				if e.Seq <= after {
					before++
				}
			}
			if before != seen {
				return fmt.Errorf("%d events were seen up to number %d, and there are %d", seen, after, before)
			}
		}
		if seen != total {
			return fmt.Errorf("%d events were seen, want %d", seen, total)
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	want(t, "number of events", len(events(t, s)), total)
}
