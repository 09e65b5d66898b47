package memory

import (
	"cmp"
	"context"
	"iter"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

// blob is a row of the blob index. Its Referenced is kept up to date by [state.settle].
type blob struct {
	storage.Blob
	key      string // CID as a string, which is what blobs are ordered by
	orphaned bool   // it lost its last reference and wasn't uploaded since
	claimed  bool   // it's about to be deleted
}

func compareBlobs(a, b *blob) int {
	return cmp.Or(strings.Compare(string(a.DID), string(b.DID)), strings.Compare(a.key, b.key))
}

// compareIdle orders blobs by the urgency of their deletion: those that were claimed before, those that are orphaned,
// and the temporary ones by their age.
func compareIdle(a, b *blob) int {
	return cmp.Or(cmp.Compare(a.rank(), b.rank()), a.CreatedAt.Compare(b.CreatedAt), compareBlobs(a, b))
}

func (b *blob) rank() int {
	switch {
	case b.claimed:
		return 0
	case b.orphaned:
		return 1
	}
	return 2
}

// idle says whether b is one for [Store.ClaimBlobs], now or when it's older.
func (b *blob) idle() bool { return b.claimed || !b.Referenced && b.TakedownRef == "" }

// PutBlob implements [storage.BlobIndex]. An upload makes a blob that has lost its last reference a temporary one again.
func (s *Store) PutBlob(ctx context.Context, b storage.Blob, g *storage.Guard) error {
	return s.write(ctx, func(s *state) error {
		if s.account(b.DID) == nil {
			return storage.ErrNotFound
		}
		if err := s.admit(b.DID, g); err != nil {
			return err
		}
		b.CreatedAt = utc(b.CreatedAt)
		old := s.blob(b.DID, b.CID)
		if old == nil {
			row := &blob{Blob: b, key: b.CID.String()}
			r := s.repo(b.DID)
			row.Referenced = r != nil && r.refers(row.key)
			s.putBlob(nil, row)
			return nil
		}
		if old.claimed {
			return storage.ErrConflict
		}
		row := *old
		row.CreatedAt = b.CreatedAt
		if !row.Referenced {
			row.MIMEType = b.MIMEType
			row.orphaned = false
		}
		s.putBlob(old, &row)
		return nil
	})
}

// Blob implements [storage.BlobIndex].
func (s *Store) Blob(ctx context.Context, did syntax.DID, c cid.Cid) (storage.Blob, error) {
	if err := ctx.Err(); err != nil {
		return storage.Blob{}, err
	}
	row := s.now.Load().blob(did, c)
	if row == nil || row.claimed {
		return storage.Blob{}, storage.ErrNotFound
	}
	return row.Blob, nil
}

// ListBlobs implements [storage.BlobIndex].
func (s *Store) ListBlobs(
	ctx context.Context, did syntax.DID, in storage.BlobRange,
) iter.Seq2[storage.BlobRef, error] {
	return func(yield func(storage.BlobRef, error) bool) {
		now := s.now.Load()
		r := now.repo(did)
		if r == nil {
			return
		}
		n, last := 0, in.After
		r.refs.Ascend(ref{blob: in.After}, func(f ref) bool {
			switch {
			case in.Limit > 0 && n >= in.Limit:
				return false
			case f.blob == last || f.rev <= in.Since:
				return true
			}
			last = f.blob
			if row := now.blob(did, f.cid); in.Missing && row != nil && !row.claimed {
				return true
			}
			if err := ctx.Err(); err != nil {
				yield(storage.BlobRef{}, err)
				return false
			}
			n++
			return yield(storage.BlobRef{CID: f.cid, Path: f.path}, nil)
		})
	}
}

// ClaimBlobs implements [storage.BlobIndex].
func (s *Store) ClaimBlobs(ctx context.Context, uploadedBefore time.Time, limit int) (ids []storage.BlobID, err error) {
	err = s.write(ctx, func(s *state) error {
		var claim []*blob
		s.idleBlobs.Scan(func(b *blob) bool {
			if len(claim) >= limit || b.rank() == 2 && !b.CreatedAt.Before(uploadedBefore) {
				return false
			}
			claim = append(claim, b)
			return true
		})
		for _, old := range claim {
			row := *old
			row.claimed = true
			s.putBlob(old, &row)
			ids = append(ids, storage.BlobID{DID: row.DID, CID: row.CID})
		}
		return nil
	})
	return ids, err
}

// RemoveBlob implements [storage.BlobIndex].
func (s *Store) RemoveBlob(ctx context.Context, id storage.BlobID) error {
	return s.write(ctx, func(s *state) error {
		if row := s.blob(id.DID, id.CID); row != nil && row.claimed {
			s.blobs.Delete(row)
			s.idleBlobs.Delete(row)
		}
		return nil
	})
}

// blob returns what is known of a blob, or nil.
func (s *state) blob(did syntax.DID, c cid.Cid) *blob {
	row, _ := s.blobs.Get(&blob{Blob: storage.Blob{DID: did}, key: c.String()})
	return row
}

// putBlob replaces the row old, if it isn't nil, by new.
func (s *state) putBlob(old, new *blob) {
	if old != nil {
		s.idleBlobs.Delete(old)
	}
	s.blobs.Set(new)
	if new.idle() {
		s.idleBlobs.Set(new)
	}
	if new.TakedownRef != "" {
		s.takenDownBlobs.Set(new)
	} else {
		s.takenDownBlobs.Delete(new)
	}
}

// settle notes which of an account's blobs have gained their first reference or lost their last one.
func (s *state) settle(r *repo, touched map[cid.Cid]struct{}) {
	for c := range touched {
		old := s.blob(r.head.DID, c)
		if old == nil || old.Referenced == r.refers(old.key) {
			continue
		}
		row := *old
		row.Referenced = !old.Referenced
		row.orphaned = old.Referenced
		s.putBlob(old, &row)
	}
}

// claimAll marks all blobs of an account as about to be deleted.
func (s *state) claimAll(did syntax.DID) {
	var rows []*blob
	s.blobs.Ascend(&blob{Blob: storage.Blob{DID: did}}, func(b *blob) bool {
		if b.DID != did {
			return false
		}
		rows = append(rows, b)
		return true
	})
	for _, old := range rows {
		row := *old
		row.Referenced, row.TakedownRef = false, ""
		row.claimed = true
		s.putBlob(old, &row)
	}
}
