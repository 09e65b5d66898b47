package storagetest_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"os"
	"sync/atomic"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// spilling keeps the large records of replacements in a file, so that it doesn't need memory for
// them.
type spilling struct {
	storage.Store
	file *os.File
	end  *int64
}

func newSpilling() spilling {
	file, err := os.CreateTemp("", "")
	if err == nil {
		err = os.Remove(file.Name())
	}
	if err != nil {
		panic(err)
	}
	return spilling{memory.New(), file, new(int64)}
}

// spilled begins the bytes of a record that is in the file.
var spilled = []byte("in the file: ")

func (s spilling) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	return s.Store.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
		for r, err := range rows {
			if r.Record != nil && len(r.Record.Bytes) > 1<<15 {
				w, data := *r.Record, r.Record.Bytes
				at := atomic.AddInt64(s.end, int64(len(data))) - int64(len(data))
				w.Bytes = binary.BigEndian.AppendUint64(bytes.Clone(spilled), uint64(at))
				w.Bytes = binary.BigEndian.AppendUint64(w.Bytes, uint64(len(data)))
				r.Record = &w
				if _, err := s.file.WriteAt(data, at); err != nil {
					panic(err)
				}
			}
			if !yield(r, err) {
				return
			}
		}
	})
}

func (s spilling) Records(
	ctx context.Context, did syntax.DID, in storage.RecordRange,
) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		for r, err := range s.Store.Records(ctx, did, in) {
			if at, ok := bytes.CutPrefix(r.Bytes, spilled); ok {
				r.Bytes = make([]byte, binary.BigEndian.Uint64(at[8:]))
				if _, err := s.file.ReadAt(r.Bytes, int64(binary.BigEndian.Uint64(at))); err != nil {
					panic(err)
				}
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// staging reads all rows before it writes any.
type staging struct{ spilling }

func (s staging) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	var all []storage.Row
	for r, err := range rows {
		if err != nil {
			return 0, err
		}
		if w := r.Record; w != nil {
			own := *w
			own.Bytes = bytes.Clone(w.Bytes)
			r.Record = &own
		}
		all = append(all, r)
	}
	return s.spilling.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	})
}

// fetching reads a whole repo before it yields the first record.
type fetching struct{ spilling }

func (s fetching) Records(
	ctx context.Context, did syntax.DID, in storage.RecordRange,
) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		var all []storage.Record
		for r, err := range s.spilling.Records(ctx, did, in) {
			if err != nil {
				yield(r, err)
				return
			}
			all = append(all, r)
		}
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// TestSpilling shows that the tier of memory lets a store pass that needs little.
func TestSpilling(t *testing.T) {
	storagetest.RunMemory(t, func(*testing.T) storage.Store { return newSpilling() })
}

// hoarder never removes what was replaced.
type hoarder struct {
	*memory.Store
	size atomic.Int64 // of that
}

func (s *hoarder) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	var old int64
	for r := range s.Records(ctx, c.Head.DID, storage.RecordRange{}) {
		old += int64(len(r.Bytes))
	}
	seq, err := s.Store.Replace(ctx, c, rows)
	if err == nil {
		s.size.Add(old)
	}
	return seq, err
}

func (s *hoarder) Size(ctx context.Context) (int64, error) {
	size, err := s.Store.Size(ctx)
	return size + s.size.Load(), err
}

// lazyHoarder has it removed by Maintain, which never comes to that.
type lazyHoarder struct{ hoarder }

func (s *lazyHoarder) Maintain(context.Context) error { return nil }
