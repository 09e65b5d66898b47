package storagetest_test

import (
	"context"
	"iter"
	"maps"
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
	there map[named]bool // the records, without their subjects
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
	if err == nil {
		s.clear(did, "the account's end")
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
		s.clear(c.Head.DID, "a replacement")
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

// write brings the index up to date: a record that was there before takes its entry with it.
func (s *staleSubjects) write(did syntax.DID, writes []storage.RecordWrite) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		s.index, s.there = make(map[named]bool), make(map[named]bool)
	}
	for _, w := range writes {
		at := named{did: did, path: w.Path}
		occasion := "an update"
		if !w.CID.Defined() {
			occasion = "a deletion"
		}
		if s.there[at] && s.at != occasion {
			s.remove(did, w.Path)
		}
		delete(s.there, at)
		if w.CID.Defined() {
			s.there[at] = true
			if w.Subject != "" {
				s.index[named{did, w.Path, w.Subject}] = true
			}
		}
	}
}

// clear removes all that the index has of an account, unless it forgets to at that occasion.
func (s *staleSubjects) clear(did syntax.DID, occasion string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.there, func(n named, _ bool) bool { return n.did == did })
	if s.at != occasion {
		s.remove(did, "")
	}
}

// remove removes what the index has of a path, or of all.
func (s *staleSubjects) remove(did syntax.DID, path string) {
	maps.DeleteFunc(s.index, func(n named, _ bool) bool { return n.did == did && (path == "" || n.path == path) })
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
