package pds

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

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
		{"expired tokens", s.expireTokens},
		{"old events", s.trimEvents},
		{"unused blobs", s.blobs.Sweep},
		{"garbage", s.maintain},
	} {
		if err := step.do(ctx); err != nil && ctx.Err() == nil {
			s.logger.ErrorContext(ctx, "pds: upkeep failed", "removing", step.removing, "err", err)
		}
	}
}

// deleteDueAccounts deletes the accounts whose owners have deactivated them with a time to delete them after. One that
// can't be deleted now doesn't keep the others.
func (s *Server) deleteDueAccounts(ctx context.Context) error {
	return inBatches(func() (n int, err error) {
		var due []syntax.DID
		for did, err := range s.store.DueAccounts(ctx, s.now(), upkeepBatch) {
			if err != nil {
				return 0, err
			}
			due = append(due, did)
		}
		var errs []error
		for _, did := range due {
			if err := s.deleteDueAccount(ctx, did); err != nil {
				errs = append(errs, fmt.Errorf("pds: deleting %s: %w", did, err))
			}
		}
		return len(due), errors.Join(errs...)
	})
}

// deleteDueAccount looks at the account once more, right before it is gone for good: since it was listed, which may have
// taken the deletion of many others, its owner may have come back.
func (s *Server) deleteDueAccount(ctx context.Context, did syntax.DID) error {
	account, err := s.store.Account(ctx, did)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil
	case err != nil:
		return err
	case account.DeactivatedAt.IsZero() || account.DeleteAfter.IsZero() || account.DeleteAfter.After(s.now()):
		return nil
	}
	return s.DeleteAccount(ctx, did)
}

func (s *Server) expireTokens(ctx context.Context) error {
	return inBatches(func() (int, error) { return s.store.ExpireTokens(ctx, s.now(), upkeepBatch) })
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
