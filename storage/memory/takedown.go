package memory

import (
	"context"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// SetRecordTakedown implements [storage.Repos].
func (s *Store) SetRecordTakedown(ctx context.Context, did syntax.DID, path, ref string) error {
	return s.write(ctx, func(s *state) error {
		old := s.repo(did)
		if old == nil {
			return storage.ErrNotFound
		}
		next := old.clone()
		if !next.takeDown(path, ref) {
			return storage.ErrNotFound
		}
		s.repos.Set(next)
		return nil
	})
}

// ListRecordTakedowns implements [storage.Repos].
func (s *Store) ListRecordTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		r := s.now.Load().repo(did)
		if r == nil {
			return
		}
		r.takenDown.Scan(func(rec *record) bool {
			if err := ctx.Err(); err != nil {
				yield(storage.Record{}, err)
				return false
			}
			return yield(rec.Record, nil)
		})
	}
}

// ListBlobTakedowns implements [storage.BlobIndex].
func (s *Store) ListBlobTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[storage.Blob, error] {
	return func(yield func(storage.Blob, error) bool) {
		first := &blob{Blob: storage.Blob{DID: did}}
		s.now.Load().takenDownBlobs.Ascend(first, func(b *blob) bool {
			if b.DID != did {
				return false
			}
			if err := ctx.Err(); err != nil {
				yield(storage.Blob{}, err)
				return false
			}
			return yield(b.Blob, nil)
		})
	}
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

// putRecord adds a record, or replaces one that has the same path and CID.
func (r *repo) putRecord(rec *record) {
	r.records.Set(rec)
	r.recordsByCID.Set(rec)
	if rec.TakedownRef != "" {
		r.takenDown.Set(rec)
	} else {
		r.takenDown.Delete(rec)
	}
}
