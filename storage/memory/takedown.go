package memory

import (
	"context"

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

// takeDown sets the takedown of a record, and returns whether there is such a record.
func (r *repo) takeDown(path, ref string) bool {
	old, there := r.records.Get(&record{Record: storage.Record{Path: path}})
	if !there {
		return false
	}
	row := *old
	row.TakedownRef = ref
	r.records.Set(&row)
	r.recordsByCID.Set(&row)
	return true
}

// takeDownAs sets the takedowns of old's records at the paths that r has too.
func (r *repo) takeDownAs(old *repo) {
	old.records.Scan(func(rec *record) bool {
		if rec.TakedownRef != "" {
			r.takeDown(rec.Path, rec.TakedownRef)
		}
		return true
	})
}
