package storagetest_test

import (
	"bytes"
	"context"
	"iter"
	"slices"
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

// stickyList lists all records that have ever been taken down.
type stickyList struct {
	storage.Store
	down sync.Map
}

func (s *stickyList) SetRecordTakedown(ctx context.Context, did syntax.DID, path, ref string) error {
	s.down.Store(takenDown{did, path}, true)
	return s.Store.SetRecordTakedown(ctx, did, path, ref)
}

func (s *stickyList) ListRecordTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		for r, err := range s.Records(ctx, did, storage.RecordRange{}) {
			if _, ever := s.down.Load(takenDown{did, r.Path}); ever && !yield(r, err) {
				return
			}
		}
	}
}

type byteTakedowns struct{ storage.Store }

func (s byteTakedowns) ListBlobTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Blob, error] {
	return func(yield func(storage.Blob, error) bool) {
		var bs []storage.Blob
		for b := range s.Store.ListBlobTakedowns(ctx, did) {
			bs = append(bs, b)
		}
		slices.SortFunc(bs, func(a, b storage.Blob) int { return bytes.Compare(a.CID.Bytes(), b.CID.Bytes()) })
		for _, b := range bs {
			if !yield(b, nil) {
				return
			}
		}
	}
}
