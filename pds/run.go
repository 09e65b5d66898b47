package pds

import (
	"context"
	"sync"
	"time"

	"github.com/pdskit/pdskit/storage"
)

const (
	upkeepEvery = time.Minute
	upkeepBatch = 1000 // rows removed in one write
)

// Run does what no request asks for until ctx ends, and then returns nil. It asks the relays to crawl the server, deletes
// the accounts whose owners have set a time for that, and removes expired tokens, blobs that nothing refers to, events
// older than the log is kept, and what the store itself has to remove. A failure is logged, and tried again later.
//
// A server answers without it; but nothing is ever removed then. One Run for a store is enough.
func (s *Server) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	if s.crawlers != nil {
		wg.Go(func() { s.crawlers.Run(ctx) })
	}
	wg.Go(func() { s.keepUp(ctx) })
	wg.Wait()
	s.outbox.Wait()
	return nil
}

func (s *Server) keepUp(ctx context.Context) {
	for {
		s.upkeep(ctx)
		select {
		case <-time.After(upkeepEvery):
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) upkeep(ctx context.Context) {
	for _, step := range []struct {
		removing string
		do       func(context.Context) error
	}{
		{"accounts whose time has come", s.deleteDueAccounts},
		{"expired documents", s.expireDocuments},
		{"old events", s.trimEvents},
		{"unused blobs", s.blobs.Sweep},
		{"garbage", s.maintain},
	} {
		if err := step.do(ctx); err != nil && ctx.Err() == nil {
			s.logger.ErrorContext(ctx, "pds: upkeep failed", "removing", step.removing, "err", err)
		}
	}
}

// deleteDueAccounts deletes the accounts whose owners have deactivated them with a time to delete
// them after.
func (s *Server) deleteDueAccounts(ctx context.Context) error {
	return inBatches(func() (int, error) { return s.hosted.DeleteDue(ctx, upkeepBatch) })
}

func (s *Server) expireDocuments(ctx context.Context) error {
	return inBatches(func() (int, error) { return s.store.ExpireDocuments(ctx, s.now(), upkeepBatch) })
}

func (s *Server) trimEvents(ctx context.Context) error {
	before := s.now().Add(-s.keepEvents)
	return inBatches(func() (int, error) { return s.store.TrimEvents(ctx, before, upkeepBatch) })
}

func (s *Server) maintain(ctx context.Context) error {
	if m, ok := storage.As[storage.Maintainer](s.store); ok {
		return m.Maintain(ctx)
	}
	return nil
}

// inBatches calls remove until it has removed less than a batch.
func inBatches(remove func() (int, error)) error {
	for {
		if n, err := remove(); err != nil || n < upkeepBatch {
			return err
		}
	}
}
