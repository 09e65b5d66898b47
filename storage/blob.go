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

// BlobRange selects blobs that records refer to, in the order of the strings of their CIDs.
type BlobRange struct {
	Since   syntax.TID // only blobs that a record refers to whose rev is greater; "" for any
	Missing bool       // only blobs that the account doesn't have
	After   string     // only blobs whose CID's string is greater; "" for the first
	Limit   int        // at most this many; 0 for all
}

// BlobRef is a record's reference to a blob.
type BlobRef struct {
	CID  cid.Cid
	Path string // of the record; if there are several that the range admits, the least of their paths
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
	// its MIMEType, are set; one that has lost its last reference is temporary again. The guard is on the blob's
	// account; nil for none.
	//
	// Errors, of which the first that applies is returned: [ErrNotFound] if there is no such account; [ErrGuard];
	// [ErrConflict] while the blob is about to be deleted, as are those of a deleted account.
	PutBlob(ctx context.Context, b Blob, g *Guard) error

	// Blob returns a blob that isn't about to be deleted. Error: [ErrNotFound], also for the blobs of a deleted
	// account, claimed or not yet.
	Blob(ctx context.Context, did syntax.DID, c cid.Cid) (Blob, error)

	// ListBlobs yields the blobs of a range, each once. The missing ones are among them. Its cost grows with the
	// account's references, not with the number of accounts.
	ListBlobs(ctx context.Context, did syntax.DID, r BlobRange) iter.Seq2[BlobRef, error]

	// ClaimBlobs marks up to limit blobs as about to be deleted, and returns them: those that are temporary and were
	// uploaded before a time, and those that have lost their last reference. Blobs that are marked already are returned again.
	// A blob that is taken down is kept, so that it can't be uploaded anew, unless its account was deleted.
	ClaimBlobs(ctx context.Context, uploadedBefore time.Time, limit int) ([]BlobID, error)

	// RemoveBlob removes a blob that is marked; one that isn't stays. It is idempotent. The blobs
	// of a deleted account are marked from the deletion on, so it removes them even before
	// ClaimBlobs has returned them.
	RemoveBlob(ctx context.Context, id BlobID) error
}

// Blobs keeps the blobs' bytes, and nothing else. Two accounts never share bytes. One type can be a Blobs and a [Store].
type Blobs interface {
	// Put reads r to its end and stores its bytes under their CID (version 1, codec raw, SHA-256), which it computes on
	// the way and returns with their number. Readers see all of a blob or nothing of it. Storing a blob that is there
	// already is no error. Memory doesn't grow with the size. An error of r is returned as it is or wrapped, and nothing
	// is stored.
	Put(ctx context.Context, did syntax.DID, r io.Reader) (cid.Cid, int64, error)

	// Open opens a blob for reading; the caller closes it. Error: [ErrNotFound].
	Open(ctx context.Context, id BlobID) (io.ReadSeekCloser, error)

	// Delete removes a blob. It is idempotent. Who has it open may read on or get an error, but no wrong bytes.
	Delete(ctx context.Context, id BlobID) error
}
