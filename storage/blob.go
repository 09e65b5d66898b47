package storage

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
)

// Blob says what is known of an uploaded blob. Blobs belong to accounts: the same bytes in two accounts are two blobs.
type Blob struct {
	DID      syntax.DID
	CID      cid.Cid
	Size     int64 // in bytes
	MIMEType string

	CreatedAt time.Time // of the newest upload

	// Referenced says whether a record refers to the blob. It is derived by the store; what the caller sets is ignored.
	Referenced bool

	// TakedownRef is the moderator's reference of a takedown, or "" while there is none.
	TakedownRef string
}

// BlobRef is a record's reference to a blob.
type BlobRef struct {
	CID  cid.Cid
	Path string // of the record, one of them if there are several
}

// BlobID names a blob.
type BlobID struct {
	DID syntax.DID
	CID cid.Cid
}

// BlobIndex keeps what is known of blobs. Their bytes are in a [Blobs].
//
// A blob is temporary until a commit refers to it. The bytes of one that has been unreferenced for long enough are
// deleted in three steps that can be taken again after a crash: ClaimBlobs marks it, the caller deletes the bytes, and
// RemoveBlob removes the mark. While it is marked, a blob can be neither referred to nor uploaded again.
//
// An upload stores the bytes first, and then calls PutBlob, and then looks whether the bytes are still there: they may
// not be if the blob was just being deleted.
type BlobIndex interface {
	// PutBlob records an upload. If the account has the blob already, just its CreatedAt, and if no record refers to it
	// its MIMEType, are set; one that has lost its last reference is temporary again. Error: [ErrConflict] while the blob is about to be deleted.
	PutBlob(ctx context.Context, b Blob) error

	// Blob returns a blob that isn't about to be deleted. Error: [ErrNotFound].
	Blob(ctx context.Context, did syntax.DID, c cid.Cid) (Blob, error)

	// ListBlobs yields up to limit of the blobs that are referred to by a record whose rev is greater than since ("" for
	// any), ordered by the strings of their CIDs, from those greater than after ("" for the first). Blobs that
	// are missing are among them.
	ListBlobs(ctx context.Context, did syntax.DID, since syntax.TID, after string, limit int) iter.Seq2[cid.Cid, error]

	// ListMissingBlobs yields up to limit blobs that records refer to and that the account doesn't have, each once,
	// ordered by the strings of their CIDs, from those greater than after.
	ListMissingBlobs(ctx context.Context, did syntax.DID, after string, limit int) iter.Seq2[BlobRef, error]

	// SetBlobTakedown sets or, with "", lifts a takedown. Error: [ErrNotFound].
	SetBlobTakedown(ctx context.Context, did syntax.DID, c cid.Cid, ref string) error

	// ListBlobTakedowns yields an account's blobs that are taken down, ordered by the strings of their CIDs. Its cost
	// grows with what it yields, not with the number of blobs.
	ListBlobTakedowns(ctx context.Context, did syntax.DID) iter.Seq2[Blob, error]

	// ClaimBlobs marks up to limit blobs as about to be deleted, and returns them: those that are temporary and were
	// uploaded before a time, and those that have lost their last reference. Blobs that are marked already are returned again.
	// A blob that is taken down is kept, so that it can't be uploaded anew.
	ClaimBlobs(ctx context.Context, uploadedBefore time.Time, limit int) ([]BlobID, error)

	// RemoveBlob removes a blob that is marked; one that isn't stays. It is idempotent.
	RemoveBlob(ctx context.Context, id BlobID) error
}

// Blobs keeps the blobs' bytes, and nothing else. Two accounts never share bytes.
type Blobs interface {
	// PutBlob reads r to its end and stores its bytes under their CID (version 1, codec raw, SHA-256), which it
	// computes on the way and returns with their number. Readers see all of a blob or nothing of it. Storing a blob that
	// is there already is no error. Memory doesn't grow with the size. An error of r is returned as it is or wrapped,
	// and nothing is stored.
	PutBlob(ctx context.Context, did syntax.DID, r io.Reader) (cid.Cid, int64, error)

	// OpenBlob opens a blob for reading; the caller closes it. Error: [ErrNotFound].
	OpenBlob(ctx context.Context, id BlobID) (io.ReadSeekCloser, error)

	// DeleteBlob removes a blob. It is idempotent. Who has it open may read on or get an error, but no wrong bytes.
	DeleteBlob(ctx context.Context, id BlobID) error
}
