package storagetest_test

import (
	"context"
	"iter"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// ears wakes those who wait by a bell of its own, which the writes that come through it ring, but
// for one method's.
type ears struct {
	storage.Store
	deaf string

	mu   sync.Mutex
	bell chan struct{}
}

func (s *ears) ring(method string) {
	if method == s.deaf {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bell != nil {
		close(s.bell)
		s.bell = nil
	}
}

func (s *ears) WaitEvents(ctx context.Context, after int64) error {
	for {
		s.mu.Lock()
		if s.bell == nil {
			s.bell = make(chan struct{})
		}
		bell := s.bell
		s.mu.Unlock()
		if len(collect(s.ListEvents(ctx, storage.EventRange{After: after, Limit: 1}))) > 0 {
			return nil
		}
		select {
		case <-bell:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *ears) AppendEvents(ctx context.Context, events ...storage.Event) (int64, error) {
	defer s.ring("AppendEvents")
	return s.Store.AppendEvents(ctx, events...)
}

func (s *ears) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	defer s.ring("CreateAccount")
	return s.Store.CreateAccount(ctx, a)
}

func (s *ears) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (int64, error) {
	defer s.ring("UpdateAccount")
	return s.Store.UpdateAccount(ctx, did, change, events...)
}

func (s *ears) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	defer s.ring("DeleteAccount")
	return s.Store.DeleteAccount(ctx, did, events...)
}

func (s *ears) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	defer s.ring("Commit")
	return s.Store.Commit(ctx, c)
}

func (s *ears) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	defer s.ring("Replace")
	return s.Store.Replace(ctx, c, rows)
}

// ownEars doesn't hear what is written to the store that it wraps by others.
type ownEars struct{ ears }

func (s *ownEars) Unwrap() storage.Store { return s.Store }

// lateEars begins to listen after it has looked.
type lateEars struct{ ears }

func (s *lateEars) WaitEvents(ctx context.Context, after int64) error {
	if len(collect(s.ListEvents(ctx, storage.EventRange{After: after, Limit: 1}))) > 0 {
		return nil
	}
	linger()
	s.mu.Lock()
	if s.bell == nil {
		s.bell = make(chan struct{})
	}
	bell := s.bell
	s.mu.Unlock()
	select {
	case <-bell:
		return s.WaitEvents(ctx, after)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// numberWait takes a number that was skipped, or an event that was removed, for an event.
type numberWait struct{ storage.Store }

func (s numberWait) WaitEvents(ctx context.Context, after int64) error {
	if last, err := s.LastSeq(ctx); err != nil || last > after {
		return err
	}
	return s.Store.WaitEvents(ctx, after)
}

// anyWait returns after the next event, whatever its number.
type anyWait struct{ storage.Store }

func (s anyWait) WaitEvents(ctx context.Context, after int64) error {
	last, err := s.LastSeq(ctx)
	if err != nil {
		return err
	}
	return s.Store.WaitEvents(ctx, min(after, last))
}

// sleeper doesn't look at the context.
type sleeper struct{ storage.Store }

func (s sleeper) WaitEvents(ctx context.Context, after int64) error {
	return s.Store.WaitEvents(context.WithoutCancel(ctx), after)
}
