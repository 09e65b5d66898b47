package memory

import (
	"context"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// SetTakedown implements [storage.Takedowns].
func (s *Store) SetTakedown(ctx context.Context, t storage.Takedown) error {
	return s.write(ctx, func(s *state) error {
		if t.Blob.Defined() {
			return s.takeDownBlob(t)
		}
		old := s.repo(t.DID)
		if old == nil {
			return storage.ErrNotFound
		}
		next := old.clone()
		if !next.takeDown(t.Path, t.Ref) {
			return storage.ErrNotFound
		}
		s.repos.Set(next)
		return nil
	})
}

// ListTakedowns implements [storage.Takedowns].
func (s *Store) ListTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Takedown, error] {
	return func(yield func(storage.Takedown, error) bool) {
		now, more := s.now.Load(), true
		next := func(t storage.Takedown) bool {
			if err := ctx.Err(); err != nil {
				yield(storage.Takedown{}, err)
				more = false
			} else {
				more = yield(t, nil)
			}
			return more
		}
		if r := now.repo(did); r != nil {
			r.takenDown.Scan(func(rec *record) bool {
				return next(storage.Takedown{DID: did, Path: rec.Path, Ref: rec.TakedownRef})
			})
		}
		if !more {
			return
		}
		now.takenDownBlobs.Ascend(&blob{Blob: storage.Blob{DID: did}}, func(b *blob) bool {
			return b.DID == did && next(storage.Takedown{DID: did, Blob: b.CID, Ref: b.TakedownRef})
		})
	}
}

func (s *state) takeDownBlob(t storage.Takedown) error {
	old := s.blob(t.DID, t.Blob)
	if old == nil || old.claimed {
		return storage.ErrNotFound
	}
	row := *old
	row.TakedownRef = t.Ref
	s.putBlob(old, &row)
	return nil
}

// takeDown sets the takedown of a record, and returns whether there is such a record.
func (r *repo) takeDown(path, ref string) bool {
	old, there := r.records.Get(&record{Record: storage.Record{Path: path}})
	if !there {
		return false
	}
	row := *old
	row.TakedownRef = ref
	r.putRecord(&row)
	return true
}

// takeDownAs sets the takedowns of old's records at the paths that r has too.
func (r *repo) takeDownAs(old *repo) {
	old.takenDown.Scan(func(rec *record) bool {
		r.takeDown(rec.Path, rec.TakedownRef)
		return true
	})
}

// putRecord adds a record, or replaces one that has the same path, CID and rev.
func (r *repo) putRecord(rec *record) {
	r.records.Set(rec)
	r.recordsByCID.Set(rec)
	if rec.TakedownRef != "" {
		r.takenDown.Set(rec)
	} else {
		r.takenDown.Delete(rec)
	}
}
