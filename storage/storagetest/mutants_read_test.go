package storagetest_test

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

type noSnapshot struct{ storage.Store }

func (s noSnapshot) Snapshot(ctx context.Context, read func(storage.RepoReader) error) error {
	return read(s.Store)
}

// byCollection lists one collection after the other, as an index on (collection, rkey) does.
type byCollection struct{ storage.Store }

func (s byCollection) Records(
	ctx context.Context, did syntax.DID, in storage.RecordRange,
) iter.Seq2[storage.Record, error] {
	if in.Collection != "" {
		return s.Store.Records(ctx, did, in)
	}
	return func(yield func(storage.Record, error) bool) {
		var rs []storage.Record
		for r := range s.Store.Records(ctx, did, storage.RecordRange{}) {
			rs = append(rs, r)
		}
		slices.SortFunc(rs, func(a, b storage.Record) int {
			return slices.Compare(strings.SplitN(a.Path, "/", 2), strings.SplitN(b.Path, "/", 2))
		})
		if in.Reverse {
			slices.Reverse(rs)
		}
		for i, r := range rs {
			if in.Limit > 0 && i >= in.Limit || !yield(r, nil) {
				return
			}
		}
	}
}

type pathOrder struct{ storage.Store }

func (s pathOrder) Collections(ctx context.Context, did syntax.DID) (all []syntax.NSID, err error) {
	for r := range s.Records(ctx, did, storage.RecordRange{}) {
		collection, _, _ := strings.Cut(r.Path, "/")
		all = append(all, syntax.NSID(collection))
	}
	return slices.Compact(all), nil
}

// stickyMembers remembers the repos that it has ever listed.
type stickyMembers struct {
	storage.Store
	mu     sync.Mutex
	listed map[syntax.NSID][]syntax.DID
}

func (s *stickyMembers) ListByCollection(
	ctx context.Context, collection syntax.NSID, after syntax.DID, limit int,
) iter.Seq2[syntax.DID, error] {
	return func(yield func(syntax.DID, error) bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.listed == nil {
			s.listed = make(map[syntax.NSID][]syntax.DID)
		}
		for did := range s.Store.ListByCollection(ctx, collection, "", 1000) {
			if !slices.Contains(s.listed[collection], did) {
				s.listed[collection] = append(s.listed[collection], did)
			}
		}
		slices.Sort(s.listed[collection])
		n := 0
		for _, did := range s.listed[collection] {
			if did > after && n < limit {
				if n++; !yield(did, nil) {
					return
				}
			}
		}
	}
}

type byteOrder struct{ storage.Store }

func (s byteOrder) ListBlobs(
	ctx context.Context, did syntax.DID, in storage.BlobRange,
) iter.Seq2[storage.BlobRef, error] {
	return func(yield func(storage.BlobRef, error) bool) {
		refs := collect(s.Store.ListBlobs(ctx, did, in))
		slices.SortFunc(refs, func(a, b storage.BlobRef) int { return bytes.Compare(a.CID.Bytes(), b.CID.Bytes()) })
		for _, ref := range refs {
			if !yield(ref, nil) {
				return
			}
		}
	}
}

type firstPageSince struct{ storage.Store }

func (s firstPageSince) ListBlobs(
	ctx context.Context, did syntax.DID, in storage.BlobRange,
) iter.Seq2[storage.BlobRef, error] {
	if in.After != "" {
		in.Since = ""
	}
	return s.Store.ListBlobs(ctx, did, in)
}

type eagerList struct{ storage.Store }

func (s eagerList) ListDocuments(ctx context.Context, r storage.DocumentRange) iter.Seq2[storage.Document, error] {
	ds := collect(s.Store.ListDocuments(ctx, r))
	return func(yield func(storage.Document, error) bool) {
		for _, d := range ds {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// collect returns what a listing yields.
func collect[V any](seq iter.Seq2[V, error]) (vs []V) {
	for v := range seq {
		vs = append(vs, v)
	}
	return vs
}

type bigLock struct {
	storage.Store
	mu sync.RWMutex
}

func (s *bigLock) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Store.UpdateAccount(ctx, did, change, events...)
}

func (s *bigLock) Account(ctx context.Context, did syntax.DID) (storage.Account, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.Store.Account(ctx, did)
}
