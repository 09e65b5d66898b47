package pds

import (
	"context"

	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// RaiseSeq is the step after a store was brought back from an older copy of it, or takes the place of another one: it
// makes the server's events get sequence numbers greater than seq, which has to be at least the last that readers have
// seen, and less than 2^53. Numbers are never used twice so. As readers may have seen what the store has lost, a #sync
// event for each active account tells them what its repo is now.
//
// It is called before the server serves, and again if it fails.
func (s *Server) RaiseSeq(ctx context.Context, seq int64) error {
	if err := s.store.RaiseSeq(ctx, seq); err != nil {
		return err
	}
	for after, more := int64(0), true; more; {
		var page []storage.Hosted
		for h, err := range s.store.ListAccounts(ctx, after, upkeepBatch) {
			if err != nil {
				return err
			}
			page = append(page, h)
		}
		var events []storage.Event
		for _, h := range page {
			after = h.ID
			if h.Status() != storage.StatusActive {
				continue
			}
			event, err := repo.SyncEvent(s.now(), h.Head)
			if err != nil {
				return err
			}
			events = append(events, event)
		}
		if len(events) > 0 {
			if _, err := s.store.AppendEvents(ctx, events...); err != nil {
				return err
			}
		}
		more = len(page) == upkeepBatch
	}
	return nil
}
