package storage

import (
	"context"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
)

// Takedown is a moderator's decision that a record or a blob isn't to be shown. It is no part of the signed repo.
// (That of a whole account is in its row.)
type Takedown struct {
	DID syntax.DID

	// Either of the two says what is taken down.
	Path string  // of a record
	Blob cid.Cid // of a blob

	// Ref is the moderator's reference.
	Ref string
}

// Takedowns keeps the takedowns of records and blobs.
type Takedowns interface {
	// SetTakedown sets or, if Ref is "", lifts a takedown. That of a record outlasts later writes of the record, and a
	// Replace whose rows have a record at its path; it ends with the record. What it means is up to the readers: the
	// record is read and listed as before. Error: [ErrNotFound] if there is no such record or blob.
	SetTakedown(ctx context.Context, t Takedown) error

	// ListTakedowns yields an account's takedowns: those of records, ordered by their paths, and then those of blobs,
	// ordered by the strings of their CIDs. Its cost grows with what it yields, not with the number of records and blobs.
	ListTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[Takedown, error]
}
