package storage

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Document is a small thing that the server keeps for itself: a session, an app password, an invite code, a pending
// sign-up, a replay guard, a sealed key, an account's preferences, a lease. It is found by its kind and ID.
//
// Where knowing the ID would be enough to use the document, ID is a hash of what the client holds. Secret keys are sealed:
// a backend never sees one in the clear.
type Document struct {
	Kind string
	ID   string

	// Owner is the account that it belongs to, and is deleted with; "" if it belongs to none. The account needn't exist.
	Owner syntax.DID

	Value []byte // the kind's own; opaque to the store

	IssuedAt  time.Time
	ExpiresAt time.Time // zero for never
}

// The kinds of documents that more than one package knows.
const (
	// KindKey is a sealed key. Its ID is the key's name; the name of an account's signing key is the account's DID, and
	// the account owns it. It never expires.
	KindKey = "key"

	// KindPreferences is what an account's owner has set in apps. Its ID is the DID of the account, which owns it. It
	// never expires.
	KindPreferences = "preferences"
)

// NewDocument is a document to be stored, and on what conditions.
type NewDocument struct {
	Document

	// Guard is a condition on the account of this document's Owner; nil for none. In a swap, the
	// owner of the document that is replaced doesn't matter.
	Guard *Guard

	// Limit, if positive, is how many documents of the kind the owner may have, with this one. If
	// Owner is "", it is how many of the kind may be without an owner. Those that have expired by
	// this one's IssuedAt don't count. A swap takes no notice of it.
	Limit int
}

// DocumentRange selects documents in the order of their kinds and then their IDs, byte by byte.
type DocumentRange struct {
	Kind  string     // "" for all kinds, which needs an Owner
	Owner syntax.DID // "" for all owners, and for documents without one
	After string     // only IDs that are greater; needs a Kind
	Limit int        // at most this many; 0 for all
}

// Validate returns an error, which isn't a sentinel, if a field that another one needs isn't set.
func (r DocumentRange) Validate() error {
	switch {
	case r.Kind == "" && r.Owner == "":
		return errors.New("storage: a range of documents needs a kind or an owner")
	case r.Kind == "" && r.After != "":
		return errors.New("storage: a range of documents that begins after an ID needs a kind")
	}
	return nil
}

// Documents keeps documents. It knows nothing of what they mean, and returns expired ones too, which the caller tells by
// their ExpiresAt, until ExpireDocuments has removed them.
type Documents interface {
	// PutDocument stores a new document. One of the same kind and ID that had expired when the new one was issued (its
	// ExpiresAt is set, and not after the new one's IssuedAt) is replaced. Of two calls that race exactly one succeeds,
	// and limits hold for calls that race, too.
	//
	// Errors, of which the first that applies is returned: [ErrGuard], also if there is a guard and no account;
	// [ErrExists]; [ErrLimit].
	PutDocument(ctx context.Context, d NewDocument) error

	// Document returns a document. Error: [ErrNotFound].
	Document(ctx context.Context, kind, id string) (Document, error)

	// TakeDocument removes a document and returns it. Of any number of calls exactly one gets it. Error: [ErrNotFound].
	TakeDocument(ctx context.Context, kind, id string) (Document, error)

	// SwapDocument replaces old by new if the stored document still has old's Value, byte by byte.
	// Both have the same kind and ID. The guard is on the account of new's Owner. Errors, of which
	// the first that applies is returned: [ErrGuard], as of PutDocument; [ErrNotFound];
	// [ErrConflict].
	SwapDocument(ctx context.Context, old Document, new NewDocument) error

	// ListDocuments yields the documents of a range. Its cost grows with what it yields. Error:
	// that of the range's Validate.
	ListDocuments(ctx context.Context, r DocumentRange) iter.Seq2[Document, error]

	// CountDocuments counts the documents of a range. Its cost may grow with their number, not with that of others.
	// Error: that of the range's Validate.
	CountDocuments(ctx context.Context, r DocumentRange) (int64, error)

	// DeleteDocuments removes an account's documents of the given kinds, and nothing if none is given: its signing key is
	// a document, too. An owner of "" removes nothing.
	DeleteDocuments(ctx context.Context, owner syntax.DID, kinds ...string) error

	// ExpireDocuments removes up to limit documents whose ExpiresAt is set and not after now, and returns how many it
	// removed.
	ExpireDocuments(ctx context.Context, now time.Time, limit int) (int, error)
}
