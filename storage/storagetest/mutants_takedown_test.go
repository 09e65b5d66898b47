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
			s.SetTakedown(ctx, storage.Takedown{DID: c.Head.DID, Path: w.Path})
		}
	}
	return seq, nil
}

// stickyTakedown takes down whatever is written to the path of a takedown, even after the record
// was deleted.
type stickyTakedown struct {
	storage.Store
	mu   sync.Mutex
	refs map[takenDown]string
}

type takenDown struct {
	did  syntax.DID
	path string
}

func (s *stickyTakedown) SetTakedown(ctx context.Context, t storage.Takedown) error {
	err := s.Store.SetTakedown(ctx, t)
	if err == nil && !t.Blob.Defined() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.refs == nil {
			s.refs = make(map[takenDown]string)
		}
		s.refs[takenDown{t.DID, t.Path}] = t.Ref
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
			s.Store.SetTakedown(ctx, storage.Takedown{DID: c.Head.DID, Path: w.Path, Ref: ref})
		}
	}
	return seq, nil
}

// stickyList lists all records that have ever been taken down.
type stickyList struct {
	storage.Store
	down sync.Map
}

func (s *stickyList) SetTakedown(ctx context.Context, t storage.Takedown) error {
	s.down.Store(takenDown{t.DID, t.Path}, true)
	return s.Store.SetTakedown(ctx, t)
}

func (s *stickyList) ListTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Takedown, error] {
	return func(yield func(storage.Takedown, error) bool) {
		for r, err := range s.Records(ctx, did, storage.RecordRange{}) {
			t := storage.Takedown{DID: did, Path: r.Path, Ref: r.TakedownRef}
			if _, ever := s.down.Load(takenDown{did, r.Path}); ever && !yield(t, err) {
				return
			}
		}
		for t, err := range s.Store.ListTakedowns(ctx, did) {
			if t.Blob.Defined() && !yield(t, err) {
				return
			}
		}
	}
}

type byteTakedowns struct{ storage.Store }

func (s byteTakedowns) ListTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Takedown, error] {
	return func(yield func(storage.Takedown, error) bool) {
		ts := collect(s.Store.ListTakedowns(ctx, did))
		slices.SortStableFunc(ts, func(a, b storage.Takedown) int { return bytes.Compare(a.Blob.Bytes(), b.Blob.Bytes()) })
		for _, t := range ts {
			if !yield(t, nil) {
				return
			}
		}
	}
}

// brokenTakedown loses the takedowns of records with a replacement.
type brokenTakedown struct{ storage.Store }

func (s brokenTakedown) Replace(
	ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error],
) (int64, error) {
	seq, err := s.Store.Replace(ctx, c, rows)
	if err != nil {
		return seq, err
	}
	for _, t := range collect(s.Store.ListTakedowns(ctx, c.Head.DID)) {
		if t.Ref = ""; !t.Blob.Defined() {
			s.Store.SetTakedown(ctx, t)
		}
	}
	return seq, nil
}
