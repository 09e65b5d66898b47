package storage

import (
	"context"
	"errors"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
)

// Head is the newest commit of a repo.
type Head struct {
	DID    syntax.DID
	Commit cid.Cid    // of the signed commit
	Rev    syntax.TID // of the commit
	Data   cid.Cid    // the root of the Merkle Search Tree (MST)
	Block  []byte     // the signed commit, DAG-CBOR
}

// Block is an MST node, a record or a commit, as its CID names it.
type Block struct {
	CID cid.Cid

	// Rev is that of the commit that wrote the block. If several records of the repo have the CID, it is the greatest of
	// their revs.
	Rev syntax.TID

	Bytes []byte // DAG-CBOR
}

// Record is a record of a repo. Its bytes are stored here and nowhere else.
type Record struct {
	Path  string // collection/rkey, the key in the MST
	CID   cid.Cid
	Rev   syntax.TID // of the commit that wrote it
	Bytes []byte     // DAG-CBOR

	// TakedownRef is the moderator's reference of a takedown, or "" while there is none. It is no part of the signed
	// repo.
	TakedownRef string
}

// RecordWrite puts or deletes a record.
type RecordWrite struct {
	Path  string
	CID   cid.Cid // undefined to delete
	Bytes []byte
	Blobs []cid.Cid // the blobs that the record refers to, each once

	// Subject is what the record names as its subject: of a like the URI of a post, of a follow a DID. "" if it names
	// none. The store indexes it and doesn't return it.
	Subject string
}

// Commit is one change of a repo: everything that becomes true with it.
type Commit struct {
	// Prev is the commit that has to be the head now: undefined if there must be no repo yet.
	Prev cid.Cid

	// Head is the new head. Its DID says which repo is meant.
	Head Head

	NewNodes  []Block   // written with the rev of Head, whatever their own Rev says
	DropNodes []cid.Cid // no longer part of the tree. Disjoint from NewNodes

	Writes []RecordWrite // no path twice

	// AllowMissingBlobs lets records refer to blobs that aren't there, as after an import.
	AllowMissingBlobs bool

	// Guard is a condition on the repo's account; nil for none. CreateAccount ignores it.
	Guard *Guard

	// Events are appended to the log in this order.
	Events []Event
}

// Row is a part of the content for [Repos.Replace]: a node, or else a record.
type Row struct {
	Node   *Block
	Record *RecordWrite
}

// RecordRange selects records: by default, all of a repo in ascending order of their paths, byte by byte, which is the
// order of the MST.
type RecordRange struct {
	Collection syntax.NSID // if not "", just the records of this collection

	// After and Before bound the record keys, both exclusively; "" for no bound. They need a Collection.
	After, Before syntax.RecordKey

	// Subject, if not "", selects the records that name it, and Blob, if defined, those that refer to it. The cost grows
	// with what is yielded, not with the repo. Subject needs a Collection. At most one of the two is set.
	Subject string
	Blob    cid.Cid

	Reverse bool // descending order
	Limit   int  // at most this many; 0 for all
}

// Validate returns an error, which isn't a sentinel, if a field that another one needs isn't set,
// or if two are set that exclude each other.
func (r RecordRange) Validate() error {
	switch {
	case r.Collection == "" && (r.After != "" || r.Before != "" || r.Subject != ""):
		return errors.New("storage: a range of records by key or by subject needs a collection")
	case r.Subject != "" && r.Blob.Defined():
		return errors.New("storage: a range of records has either a subject or a blob")
	}
	return nil
}

// RepoStats counts what a repo consists of.
type RepoStats struct {
	Nodes   int64
	Records int64
}

// RepoReader reads repos.
type RepoReader interface {
	// Head returns a repo's newest commit. Error: [ErrNotFound].
	Head(ctx context.Context, did syntax.DID) (Head, error)

	// Blocks returns those of the wanted blocks that the repo has now, in the order in which they're asked for: nodes
	// of its tree, its records' bytes, and its newest commit. Most calls ask for nodes. Missing ones are left out.
	Blocks(ctx context.Context, did syntax.DID, want []cid.Cid) ([]Block, error)

	// Record returns the record at a path. Error: [ErrNotFound].
	Record(ctx context.Context, did syntax.DID, path string) (Record, error)

	// Records yields the records of a range, none if there is no such repo. Memory doesn't grow
	// with their number. Error: that of the range's Validate.
	Records(ctx context.Context, did syntax.DID, r RecordRange) iter.Seq2[Record, error]

	// Collections returns the collections that have a record, in ascending order. Its cost grows with their number, not
	// with that of the records.
	Collections(ctx context.Context, did syntax.DID) ([]syntax.NSID, error)

	// Stats counts a repo's nodes and records. Its cost may grow with the repo. A repo that doesn't exist has none.
	Stats(ctx context.Context, did syntax.DID) (RepoStats, error)
}

// Repos keeps the signed repositories: for each its head, its MST nodes, its records and their references to blobs.
type Repos interface {
	RepoReader

	// Snapshot calls read with a reader that sees the state of one moment until read returns, whatever is written
	// meanwhile, and which is not used after that. Writers aren't delayed. It returns what read returns.
	//
	// A snapshot may last for minutes, while a slow client downloads a large repo. A store may cut one that has lasted for
	// a minute or longer, as it may a listing: all reads that follow, and the listing under way, then end with [ErrCut].
	// Reads that were cut never look as if they had come to their end.
	Snapshot(ctx context.Context, read func(RepoReader) error) error

	// ListByCollection yields up to limit DIDs of repos that have a record of a collection, ordered as strings, from those
	// greater than after ("" for the first). Its cost grows with what it yields, not with the number of repos.
	ListByCollection(ctx context.Context, collection syntax.NSID, after syntax.DID, limit int) iter.Seq2[syntax.DID, error]

	// Commit applies a commit, as one write: head, nodes, records, blob references and events. Of several commits with
	// the same Prev exactly one succeeds. Writes of many repos that wait at the same moment should share one flush to
	// the disk.
	//
	// A write takes away the references of the record that was at its path. A blob that gains its first
	// reference becomes referenced, one that loses its last is queued for deletion (see [BlobIndex]).
	//
	// It returns the sequence number of the last event, or 0 without events. Errors, of which the first that applies is
	// returned: [ErrGuard], also if there is a guard and no account; [ErrConflict] if the head isn't Prev; [ErrNotFound]
	// if a record refers to a blob that the account doesn't have or that is about to be deleted, unless AllowMissingBlobs
	// is set.
	Commit(ctx context.Context, c Commit) (int64, error)

	// Replace does what Commit does, but to a repo whose whole content becomes that of rows. The commit's NewNodes,
	// DropNodes and Writes are empty, and AllowMissingBlobs is taken as set. Until it returns nil, readers see the old
	// content; if rows yields an error, that error is returned and nothing has changed. Memory doesn't grow with the
	// number of rows, and other writers go on meanwhile. The rows that were replaced take room no longer than until the
	// next Maintain has ended; see [Maintainer].
	//
	// Rows come in any order, each node and each path once. All get the rev of Head, whatever their own says. A record
	// whose Bytes are nil, not merely empty, has the CID of an earlier row's record, and gets its bytes, blob references
	// and subject. Guard and head are checked at the end, and may be checked before the first row too. Error, beside
	// those of Commit: [ErrNotFound] if there is no such earlier row.
	Replace(ctx context.Context, c Commit, rows iter.Seq2[Row, error]) (int64, error)
}
