package storagetest_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/pdskit/pdskit/storage"
)

type lostCommit struct {
	storage.Store
	n atomic.Int64
}

func (s *lostCommit) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	if s.n.Add(1)%3 == 0 {
		return s.LastSeq(ctx)
	}
	return s.Store.Commit(ctx, c)
}

type appliedConflict struct{ storage.Store }

func (s appliedConflict) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	seq, err := s.Store.Commit(ctx, c)
	if errors.Is(err, storage.ErrConflict) { // the stale commit is made good
		head, _ := s.Head(ctx, c.Head.DID)
		c.Prev = head.Commit
		s.Store.Commit(ctx, c)
	}
	return seq, err
}

type twoSteps struct{ storage.Store }

func (s twoSteps) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	for _, w := range c.Writes {
		if len(w.Blobs) > 0 {
			return s.Store.Commit(ctx, c)
		}
	}
	first, second := c, c
	first.Writes, first.Events = nil, nil
	if _, err := s.Store.Commit(ctx, first); err != nil {
		return 0, err
	}
	linger()
	second.Prev = c.Head.Commit
	return s.Store.Commit(ctx, second)
}

type eventFirst struct{ storage.Store }

func (s eventFirst) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	seq, err := s.AppendEvents(ctx, c.Events...)
	if err != nil {
		return 0, err
	}
	c.Events = nil
	_, err = s.Store.Commit(ctx, c)
	return seq, err
}

type blindCommit struct{ storage.Store }

func (s blindCommit) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	head, _ := s.Head(ctx, c.Head.DID)
	c.Prev = head.Commit
	return s.Store.Commit(ctx, c)
}

type earlyCompare struct{ storage.Store }

func (s earlyCompare) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	head, _ := s.Head(ctx, c.Head.DID)
	if head.Commit != c.Prev {
		return s.Store.Commit(ctx, c)
	}
	linger()
	for {
		seq, err := s.Store.Commit(ctx, c)
		if !errors.Is(err, storage.ErrConflict) {
			return seq, err
		}
		head, _ := s.Head(ctx, c.Head.DID)
		c.Prev = head.Commit
	}
}

type keepNodes struct{ storage.Store }

func (s keepNodes) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	c.DropNodes = nil
	return s.Store.Commit(ctx, c)
}

type noReferences struct{ storage.Store }

func (s noReferences) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	c.Writes = slices.Clone(c.Writes)
	for i := range c.Writes {
		c.Writes[i].Blobs = nil
	}
	return s.Store.Commit(ctx, c)
}

type allowMissing struct{ storage.Store }

func (s allowMissing) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	c.AllowMissingBlobs = true
	return s.Store.Commit(ctx, c)
}

type leakyReplace struct{ storage.Store }

func (s leakyReplace) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	head, err := s.Head(ctx, c.Head.DID)
	if err != nil || head.Commit != c.Prev {
		return s.Store.Replace(ctx, c, rows)
	}
	return s.Store.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
		have := make(map[string]bool)
		for r, err := range rows {
			if r.Record != nil {
				have[r.Record.Path] = true
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
		for r, err := range s.Records(ctx, c.Head.DID, storage.RecordRange{}) {
			w := storage.RecordWrite{Path: r.Path, CID: r.CID, Bytes: r.Bytes}
			if !have[r.Path] && !yield(storage.Row{Record: &w}, err) {
				return
			}
		}
	})
}

// repeatable takes a commit that is the head already for one that it has just made.
type repeatable struct{ storage.Store }

func (s repeatable) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	if head, _ := s.Head(ctx, c.Head.DID); head.Commit == c.Head.Commit {
		return s.LastSeq(ctx)
	}
	return s.Store.Commit(ctx, c)
}
