package storagetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// raceToWake writes one event at the moment at which others begin to wait for it.
func raceToWake(t *testing.T, s storage.Store) {
	create(t, s, 1)
	for round := range 2 * rounds {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		last := must(s.LastSeq(ctx))(t)
		errs := race(func(i int) error {
			if i > 0 {
				return s.WaitEvents(ctx, last)
			}
			return only(s.AppendEvents(ctx, testEvent(testDID(1), storage.EventSync, round)))
		})
		cancel()
		for _, err := range errs {
			ok(t, "WaitEvents and AppendEvents", err)
		}
	}
}

// raceToWait follows the log while others write: each follower waits when it has read all that
// there is. One that misses a write waits for ever.
func raceToWait(t *testing.T, s storage.Store) {
	ctx := t.Context()
	const writers = racers / 2
	var rs [writers]*tree
	for i := range writers {
		rs[i] = create(t, s, i)
	}
	total := len(events(t, s)) + writers*rounds*2
	errs := race(func(i int) error {
		if i < writers {
			for n := range rounds {
				c, next := rs[i].commit(put("a.b.c/1", fmt.Sprint(n)))
				if _, err := s.Commit(ctx, c); err != nil {
					return err
				}
				rs[i] = next
				same := func(*storage.Account) error { return nil }
				e := testEvent(testDID(i), storage.EventAccount, n)
				if _, err := s.UpdateAccount(ctx, testDID(i), same, e); err != nil {
					return err
				}
			}
			return nil
		}
		after := int64(0)
		for seen := 0; seen < total; {
			if err := waitPatiently(ctx, s, after); err != nil {
				return fmt.Errorf("after %d events of %d: %w", seen, total, err)
			}
			n := seen
			for e, err := range s.ListEvents(ctx, storage.EventRange{After: after}) {
				if err != nil {
					return err
				}
				after = e.Seq
				seen++
			}
			if seen == n {
				return fmt.Errorf("there is no event after %d, for which WaitEvents returned", after)
			}
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

// waitPatiently waits for the next event only. However long a race takes on a busy machine, some
// event comes soon, or none ever.
func waitPatiently(ctx context.Context, s storage.Store, after int64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.WaitEvents(ctx, after)
}
