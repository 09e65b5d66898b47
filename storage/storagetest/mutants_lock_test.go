package storagetest_test

import (
	"context"
	"iter"
	"sync"

	"github.com/pdskit/pdskit/storage"
)

// lockout holds a lock that writers need, while one method is under way.
type lockout struct {
	storage.Store
	of string
	mu sync.Mutex
}

func (s *lockout) hold(method string) (release func()) {
	if method != s.of {
		return func() {}
	}
	s.mu.Lock()
	return s.mu.Unlock
}

func (s *lockout) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Store.Commit(ctx, c)
}

func (s *lockout) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	defer s.hold("Replace")()
	return s.Store.Replace(ctx, c, rows)
}

func (s *lockout) Snapshot(ctx context.Context, read func(storage.RepoReader) error) error {
	defer s.hold("Snapshot")()
	return s.Store.Snapshot(ctx, read)
}

func (s *lockout) ListDocuments(ctx context.Context, r storage.DocumentRange) iter.Seq2[storage.Document, error] {
	return func(yield func(storage.Document, error) bool) {
		defer s.hold("ListDocuments")()
		s.Store.ListDocuments(ctx, r)(yield)
	}
}

func (s *lockout) WaitEvents(ctx context.Context, after int64) error {
	defer s.hold("WaitEvents")()
	return s.Store.WaitEvents(ctx, after)
}
