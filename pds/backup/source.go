package backup

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// What a [Source] says when it can't give what it is asked for.
var (
	// ErrOutdated: events after the cursor are no longer there.
	ErrOutdated = errors.New("backup: cursor outdated")

	// ErrBehind: the source's log ends before the cursor. It was set up anew, or comes from an older copy, and what the
	// mirror has may be all that is left.
	ErrBehind = errors.New("backup: the source has lost events that the mirror has")

	// ErrNoRepo: the source doesn't host the account, or no longer.
	ErrNoRepo = errors.New("backup: no such repo")

	// ErrInactive: the source doesn't give out the content of an account that is taken down, suspended or deactivated.
	ErrInactive = errors.New("backup: account isn't active")

	// ErrNoBlob: the source hasn't got a blob, or doesn't give it out.
	ErrNoBlob = errors.New("backup: no such blob")
)

// StatusDeleted is the status of an account that is no more.
const StatusDeleted storage.AccountStatus = "deleted"

// Listed is an account in a source's listing.
type Listed struct {
	DID    syntax.DID
	Rev    syntax.TID
	Status storage.AccountStatus
}

// Source is a server that is mirrored: one elsewhere (see [Network]), or the one of this process (see [Local]).
type Source interface {
	// Cursor returns a sequence number such that all events after it can be read now.
	Cursor(ctx context.Context) (int64, error)

	// Events yields the events after a cursor, in order: if follow is set until ctx ends or there's an error, else until
	// there are no more for now. The bodies are the messages, DAG-CBOR, whatever their field seq says. Errors:
	// [ErrOutdated], [ErrBehind].
	Events(ctx context.Context, cursor int64, follow bool) iter.Seq2[storage.Event, error]

	// Accounts yields all accounts. One that is created during the loop may be missing.
	Accounts(ctx context.Context) iter.Seq2[Listed, error]

	// Handle returns an account's handle, "" if it has none.
	Handle(ctx context.Context, did syntax.DID) (syntax.Handle, error)

	// Repo opens a repo as a CAR file; the caller closes it. Errors, here or from reading: [ErrNoRepo]; [ErrInactive].
	Repo(ctx context.Context, did syntax.DID) (io.ReadCloser, error)

	// Blob opens a blob; the caller closes it. Error: [ErrNoBlob].
	Blob(ctx context.Context, did syntax.DID, c cid.Cid) (io.ReadCloser, error)
}

// KeyFunc finds the public key with which an account signs. fresh says that an answer from a cache won't do.
type KeyFunc func(ctx context.Context, did syntax.DID, fresh bool) (atcrypto.PublicKey, error)

// DirectoryKeys finds the keys in the accounts' DID documents.
func DirectoryKeys(directory identity.Directory) KeyFunc {
	return func(ctx context.Context, did syntax.DID, fresh bool) (atcrypto.PublicKey, error) {
		if fresh {
			if err := directory.Purge(ctx, did.AtIdentifier()); err != nil {
				return nil, err
			}
		}
		id, err := directory.LookupDID(ctx, did)
		if err != nil {
			return nil, err
		}
		return id.PublicKey()
	}
}
