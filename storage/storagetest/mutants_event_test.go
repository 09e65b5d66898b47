package storagetest_test

import (
	"context"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pdskit/pdskit/storage"
)

type reverseEvents struct{ storage.Store }

func (s reverseEvents) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		var es []storage.Event
		for e := range s.Store.ListEvents(ctx, r) {
			es = append(es, e)
		}
		for _, e := range slices.Backward(es) {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// lateEvents hides the newest event but one while someone writes.
type lateEvents struct {
	storage.Store
	writing atomic.Int64
}

func (s *lateEvents) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	s.writing.Add(1)
	defer s.writing.Add(-1)
	defer linger()
	return s.Store.Commit(ctx, c)
}

func (s *lateEvents) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		last, _ := s.LastSeq(ctx)
		for e, err := range s.Store.ListEvents(ctx, r) {
			if e.Seq == last-1 && s.writing.Load() > 0 {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// reusedSeq begins anew when the log is empty.
type reusedSeq struct {
	storage.Store
	offset int64
}

func (s *reusedSeq) TrimEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := s.Store.TrimEvents(ctx, before, limit)
	s.begin(ctx)
	return n, err
}

func (s *reusedSeq) begin(ctx context.Context) {
	for range s.Store.ListEvents(ctx, storage.EventRange{Limit: 1}) {
		return
	}
	s.offset, _ = s.Store.LastSeq(ctx)
}

func (s *reusedSeq) AppendEvents(ctx context.Context, events ...storage.Event) (int64, error) {
	seq, err := s.Store.AppendEvents(ctx, events...)
	return max(0, seq-s.offset), err
}

func (s *reusedSeq) LastSeq(ctx context.Context) (int64, error) {
	seq, err := s.Store.LastSeq(ctx)
	return seq - s.offset, err
}

func (s *reusedSeq) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		r.After += s.offset
		for e, err := range s.Store.ListEvents(ctx, r) {
			e.Seq -= s.offset
			if !yield(e, err) {
				return
			}
		}
	}
}

type timidRaise struct{ storage.Store }

func (s timidRaise) RaiseSeq(ctx context.Context, seq int64) error {
	return s.Store.RaiseSeq(ctx, seq-1)
}

// loweredSeq goes on from whatever number it's told.
type loweredSeq struct{ reusedSeq }

func (s *loweredSeq) TrimEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.Store.TrimEvents(ctx, before, limit)
}

func (s *loweredSeq) RaiseSeq(ctx context.Context, seq int64) error {
	last, err := s.Store.LastSeq(ctx)
	if err != nil || seq >= last-s.offset {
		return s.Store.RaiseSeq(ctx, seq+s.offset)
	}
	s.offset = last - seq
	return nil
}

type trimAll struct{ storage.Store }

func (s trimAll) TrimEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.Store.TrimEvents(ctx, before.Add(time.Hour), limit)
}

// scanEvents finds an account's events by reading all.
type scanEvents struct{ storage.Store }

func (s scanEvents) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		n := 0
		for e, err := range s.Store.ListEvents(ctx, storage.EventRange{After: r.After}) {
			if err == nil && r.DID != "" && e.DID != r.DID {
				continue
			}
			if n++; !yield(e, err) || n == r.Limit {
				return
			}
		}
	}
}

// shortEvents looks for an account's events on the page that it would yield of all.
type shortEvents struct{ storage.Store }

func (s shortEvents) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		for e, err := range s.Store.ListEvents(ctx, storage.EventRange{After: r.After, Limit: r.Limit}) {
			if (err != nil || r.DID == "" || e.DID == r.DID) && !yield(e, err) {
				return
			}
		}
	}
}

// lastCommit makes a commit without its events if there is no number left for them.
type lastCommit struct{ storage.Store }

func (s lastCommit) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	seq, err := s.Store.Commit(ctx, c)
	if last, _ := s.LastSeq(ctx); err != nil && last == storage.MaxSeq {
		c.Events = nil
		s.Store.Commit(ctx, c)
	}
	return seq, err
}
