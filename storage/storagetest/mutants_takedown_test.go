package storagetest_test

import (
	"context"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// weakTakedown keeps a takedown in the record's row, which the next write replaces.
type weakTakedown struct{ storage.Store }

func (s weakTakedown) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	seq, err := s.Store.Commit(ctx, c)
	if err != nil {
		return seq, err
	}
	for _, w := range c.Writes {
		if w.CID.Defined() {
			s.SetRecordTakedown(ctx, c.Head.DID, w.Path, "")
		}
	}
	return seq, nil
}

// stickyTakedown takes down whatever is written to the path of a takedown, even after the record was deleted.
type stickyTakedown struct {
	storage.Store
	mu   sync.Mutex
	refs map[takenDown]string
}

type takenDown struct {
	did  syntax.DID
	path string
}

func (s *stickyTakedown) SetRecordTakedown(ctx context.Context, did syntax.DID, path, ref string) error {
	err := s.Store.SetRecordTakedown(ctx, did, path, ref)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.refs == nil {
			s.refs = make(map[takenDown]string)
		}
		s.refs[takenDown{did, path}] = ref
	}
	return err
}

func (s *stickyTakedown) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	seq, err := s.Store.Commit(ctx, c)
	if err != nil {
		return seq, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range c.Writes {
		if ref := s.refs[takenDown{c.Head.DID, w.Path}]; ref != "" && w.CID.Defined() {
			s.Store.SetRecordTakedown(ctx, c.Head.DID, w.Path, ref)
		}
	}
	return seq, nil
}
