package storagetest_test

import (
	"bytes"
	"context"
	"iter"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// alias hands out parts of a buffer that the next reads use again.
type alias struct {
	storage.Store
	of string // what it does so for

	mu     sync.Mutex
	buffer [256]byte
}

func (s *alias) lend(of string, data []byte) []byte {
	if of != s.of || len(data) > len(s.buffer) {
		return data
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := copy(s.buffer[:], data)
	return s.buffer[:n:n]
}

func (s *alias) Document(ctx context.Context, kind, id string) (storage.Document, error) {
	d, err := s.Store.Document(ctx, kind, id)
	d.Value = s.lend("Document", d.Value)
	return d, err
}

func (s *alias) Record(ctx context.Context, did syntax.DID, path string) (storage.Record, error) {
	r, err := s.Store.Record(ctx, did, path)
	r.Bytes = s.lend("Record", r.Bytes)
	return r, err
}

func (s *alias) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		for e, err := range s.Store.ListEvents(ctx, r) {
			e.Body = s.lend("ListEvents", e.Body)
			if !yield(e, err) {
				return
			}
		}
	}
}

// recycled overwrites what it has handed out when the value is written anew.
type recycled struct {
	storage.Store
	out sync.Map
}

func (s *recycled) Document(ctx context.Context, kind, id string) (storage.Document, error) {
	d, err := s.Store.Document(ctx, kind, id)
	if err == nil {
		d.Value = bytes.Clone(d.Value)
		s.out.Store(kind+" "+id, d.Value)
	}
	return d, err
}

func (s *recycled) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	err := s.Store.SwapDocument(ctx, old, new)
	if out, ok := s.out.Load(new.Kind + " " + new.ID); ok && err == nil {
		copy(out.([]byte), new.Value)
	}
	return err
}
