package memory

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

// Commit implements [storage.Repos].
func (s *Store) Commit(ctx context.Context, c storage.Commit) (seq int64, err error) {
	err = s.write(ctx, func(s *state) error {
		seq, err = s.commit(c)
		return err
	})
	return seq, err
}

// Replace implements [storage.Repos]. The new content is built up aside, and no writer waits for rows.
func (s *Store) Replace(
	ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error],
) (seq int64, err error) {
	next, touched := newRepo(), make(map[cid.Cid]struct{})
	for row, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return 0, err
		}
		if row.Node != nil {
			next.putNode(*row.Node, c.Head.Rev)
		}
		if row.Record != nil {
			if err := next.putRow(*row.Record, c.Head.Rev, touched); err != nil {
				return 0, err
			}
		}
	}
	err = s.write(ctx, func(s *state) error {
		old, err := s.expect(c)
		if err != nil {
			return err
		}
		old.refs.Scan(func(f ref) bool {
			touched[f.cid] = struct{}{}
			return true
		})
		next.takeDownAs(old)
		seq = s.advance(c, next, touched, append(old.collections(), next.collections()...))
		return nil
	})
	return seq, err
}

// expect returns the repo that c is to change, an empty one if it is the first commit. Errors: [storage.ErrGuard];
// [storage.ErrConflict].
func (s *state) expect(c storage.Commit) (*repo, error) {
	if err := s.admit(c.Head.DID, c.Guard); err != nil {
		return nil, err
	}
	r := s.repo(c.Head.DID)
	if r == nil {
		r = newRepo()
	}
	if r.head.Commit != c.Prev {
		return nil, storage.ErrConflict
	}
	return r, nil
}

// commit applies c. After an error s is to be dropped.
func (s *state) commit(c storage.Commit) (int64, error) {
	old, err := s.expect(c)
	if err != nil {
		return 0, err
	}
	next := old.clone()
	for _, drop := range c.DropNodes {
		next.nodes.Delete(&storage.Block{CID: drop})
	}
	for _, b := range c.NewNodes {
		next.putNode(b, c.Head.Rev)
	}
	touched := make(map[cid.Cid]struct{})
	var collections []syntax.NSID
	for _, w := range c.Writes {
		for _, blob := range w.Blobs {
			if row := s.blob(c.Head.DID, blob); !c.AllowMissingBlobs && (row == nil || row.claimed) {
				return 0, fmt.Errorf("%w: blob %s", storage.ErrNotFound, blob)
			}
		}
		next.write(w, c.Head.Rev, touched)
		collections = append(collections, collectionOf(w.Path))
	}
	return s.advance(c, next, touched, collections), nil
}

// advance makes next the content of the repo and c its head, and appends the events. touched are the blobs whose
// references may have changed, and collections those that may have gained their first record or lost their last one.
func (s *state) advance(
	c storage.Commit, next *repo, touched map[cid.Cid]struct{}, collections []syntax.NSID,
) int64 {
	next.head = c.Head
	next.head.Block = bytes.Clone(c.Head.Block)
	s.repos.Set(next)
	s.settle(next, touched)
	s.settleMembers(next, collections)
	return s.append(c.Events)
}

func (r *repo) putNode(b storage.Block, rev syntax.TID) {
	b.Rev = rev
	b.Bytes = bytes.Clone(b.Bytes)
	r.nodes.Set(&b)
}

// putRow adds a record of a new content. See [storage.Repos.Replace] for one without bytes.
func (r *repo) putRow(w storage.RecordWrite, rev syntax.TID, touched map[cid.Cid]struct{}) error {
	if w.Bytes == nil {
		same := r.recordWith(w.CID)
		if same == nil {
			return fmt.Errorf("%w: earlier row with record %s", storage.ErrNotFound, w.CID)
		}
		w.Bytes, w.Blobs, w.Subject = same.Bytes, same.blobs, same.subject
	}
	r.write(w, rev, touched)
	return nil
}

// write puts or deletes a record, and notes the blobs that it and the record before it refer to.
func (r *repo) write(w storage.RecordWrite, rev syntax.TID, touched map[cid.Cid]struct{}) {
	takedown := ""
	if old, ok := r.records.Delete(&record{Record: storage.Record{Path: w.Path}}); ok {
		takedown = old.TakedownRef
		r.recordsByCID.Delete(old)
		r.takenDown.Delete(old)
		r.subjects.Delete(subject{old.subject, old.Path})
		for _, c := range old.blobs {
			r.refs.Delete(ref{blob: c.String(), path: w.Path})
			touched[c] = struct{}{}
		}
	}
	if !w.CID.Defined() {
		return
	}
	rec := &record{
		Record:  storage.Record{Path: w.Path, CID: w.CID, Rev: rev, Bytes: bytes.Clone(w.Bytes), TakedownRef: takedown},
		blobs:   slices.Clone(w.Blobs),
		subject: w.Subject,
	}
	r.putRecord(rec)
	if rec.subject != "" {
		r.subjects.Set(subject{rec.subject, rec.Path})
	}
	for _, c := range w.Blobs {
		r.refs.Set(ref{blob: c.String(), path: w.Path, cid: c, rev: rev})
		touched[c] = struct{}{}
	}
}
