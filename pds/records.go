package pds

import (
	"context"
	"fmt"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// RecordOf is a record as it stands in a repo, with a value of some type.
type RecordOf[T any] struct {
	URI   syntax.ATURI
	CID   cid.Cid
	Rev   syntax.TID // of the commit that wrote it
	Value T

	// TakenDown says that moderators have taken the record down: it isn't to be shown to anybody but its author.
	TakenDown bool
}

// Records are the records of one collection of a repo, as values of a Go type. T is anything that encodes to the
// records' JSON, and decodes from it, such as one of indigo's generated types; see [firehose.DecodeRecord]:
//
//	posts := pds.Records[Post]{Repo: srv.Repo(did), Collection: "com.example.post"}
type Records[T any] struct {
	Repo       Repo
	Collection syntax.NSID
}

// Put is [Repo.Put].
func (r Records[T]) Put(ctx context.Context, rkey syntax.RecordKey, value T) (syntax.ATURI, cid.Cid, error) {
	return r.Repo.Put(ctx, r.Collection, rkey, value)
}

// Delete is [Repo.Delete].
func (r Records[T]) Delete(ctx context.Context, rkey syntax.RecordKey) error {
	return r.Repo.Delete(ctx, r.Collection, rkey)
}

// Get returns a record. Errors: storage.ErrNotFound; that of a record that is no T.
func (r Records[T]) Get(ctx context.Context, rkey syntax.RecordKey) (RecordOf[T], error) {
	row, err := r.Repo.row(ctx, r.Collection, rkey)
	if err != nil {
		return RecordOf[T]{}, err
	}
	return r.decode(row)
}

// List yields the records in ascending order of their keys. One that is no T comes with an error and its URI, and the loop
// may go on: what others have written isn't always what one expects.
func (r Records[T]) List(ctx context.Context) iter.Seq2[RecordOf[T], error] {
	return func(yield func(RecordOf[T], error) bool) {
		for row, err := range r.Repo.rows(ctx, r.Collection) {
			if err != nil {
				yield(RecordOf[T]{}, err)
				return
			}
			if !yield(r.decode(row)) {
				return
			}
		}
	}
}

func (r Records[T]) decode(row storage.Record) (RecordOf[T], error) {
	out := RecordOf[T]{URI: r.Repo.uri(row.Path), CID: row.CID, Rev: row.Rev, TakenDown: row.TakedownRef != ""}
	value, err := data.Decode(row.Bytes)
	if err != nil {
		return out, err
	}
	if err := firehose.DecodeRecord(value, &out.Value); err != nil {
		return out, fmt.Errorf("pds: decode %s: %w", out.URI, err)
	}
	return out, nil
}
