package storagetest_test

import (
	"context"
	"iter"
	"strings"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// named says that a record names a subject.
type named struct {
	did           syntax.DID
	path, subject string
}

// staleSubjects has an index of subjects that it doesn't bring up to date at one occasion.
type staleSubjects struct {
	storage.Store
	at string

	mu    sync.Mutex
	index map[named]bool
}

func (s *staleSubjects) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	id, err := s.Store.CreateAccount(ctx, a)
	if err == nil {
		s.write(a.Account.DID, a.Commit.Writes)
	}
	return id, err
}

func (s *staleSubjects) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	seq, err := s.Store.DeleteAccount(ctx, did, events...)
	if err == nil && s.at != "the account's end" {
		s.clear(did, "")
	}
	return seq, err
}

func (s *staleSubjects) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	seq, err := s.Store.Commit(ctx, c)
	if err == nil {
		s.write(c.Head.DID, c.Writes)
	}
	return seq, err
}

func (s *staleSubjects) Replace(
	ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error],
) (int64, error) {
	var writes []storage.RecordWrite
	seq, err := s.Store.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
		for r, err := range rows {
			if r.Record != nil {
				writes = append(writes, s.whole(*r.Record, writes))
			}
			if !yield(r, err) {
				return
			}
		}
	})
	if err == nil {
		if s.at != "a replacement" {
			s.clear(c.Head.DID, "")
		}
		s.write(c.Head.DID, writes)
	}
	return seq, err
}

// whole returns a record of a replacement with its subject.
func (s *staleSubjects) whole(w storage.RecordWrite, earlier []storage.RecordWrite) storage.RecordWrite {
	for _, e := range earlier {
		if w.Bytes == nil && e.CID == w.CID && s.at != "a repeated record" {
			w.Subject = e.Subject
		}
	}
	return w
}

func (s *staleSubjects) write(did syntax.DID, writes []storage.RecordWrite) {
	for _, w := range writes {
		if !w.CID.Defined() && s.at == "a deletion" || w.CID.Defined() && s.at == "an update" {
			s.add(did, w)
			continue
		}
		s.clear(did, w.Path)
		s.add(did, w)
	}
}

func (s *staleSubjects) add(did syntax.DID, w storage.RecordWrite) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		s.index = make(map[named]bool)
	}
	if w.CID.Defined() && w.Subject != "" {
		s.index[named{did, w.Path, w.Subject}] = true
	}
}

// clear removes what the index has of a path, or of all.
func (s *staleSubjects) clear(did syntax.DID, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range s.index {
		if n.did == did && (path == "" || n.path == path) {
			delete(s.index, n)
		}
	}
}

func (s *staleSubjects) Records(
	ctx context.Context, did syntax.DID, in storage.RecordRange,
) iter.Seq2[storage.Record, error] {
	if in.Subject == "" {
		return s.Store.Records(ctx, did, in)
	}
	return func(yield func(storage.Record, error) bool) {
		all, n := in, 0
		all.Subject, all.Limit = "", 0
		for r, err := range s.Store.Records(ctx, did, all) {
			s.mu.Lock()
			has := s.index[named{did, r.Path, in.Subject}]
			s.mu.Unlock()
			if !has || !strings.HasPrefix(r.Path, string(in.Collection)+"/") {
				continue
			}
			if n++; !yield(r, err) || n == in.Limit {
				return
			}
		}
	}
}
