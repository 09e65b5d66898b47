package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
)

// Exporter writes repos as CAR files. It is a [github.com/pdskit/pdskit/repo.Engine].
type Exporter interface {
	Export(ctx context.Context, did syntax.DID, since syntax.TID, w io.Writer) error
}

// Local is a server of this library as a [Source] and a [PrivateSource], read from its storage.
type Local struct {
	// Required.

	Store storage.Store
	Blobs storage.Blobs
	Repos Exporter

	// ServerKeys are the names of the server's own keys that are kept, as they are sealed. If nil, none is.
	ServerKeys []string

	// DocumentKinds are the kinds of documents of accounts that are kept beside keys and preferences,
	// such as app passwords. If nil, none is.
	DocumentKinds []string
}

var (
	_ Source        = (*Local)(nil)
	_ PrivateSource = (*Local)(nil)
)

// Cursor implements [Source].
func (l *Local) Cursor(ctx context.Context) (int64, error) { return l.Store.LastSeq(ctx) }

// Events implements [Source].
func (l *Local) Events(ctx context.Context, cursor int64, follow bool) iter.Seq2[storage.Event, error] {
	log := firehose.Log{Events: l.Store}
	events := log.Replay(ctx, cursor)
	if follow {
		events = log.Tail(ctx, cursor)
	}
	return func(yield func(storage.Event, error) bool) {
		for e, err := range events {
			if !yield(e, l.cursorError(ctx, cursor, err)) {
				return
			}
			cursor = e.Seq
		}
	}
}

// cursorError gives the log's errors of a cursor the names that a [Source] has for them. That an
// account's deletion has removed the log's first events looks the same as if they had been trimmed;
// to list the accounts anew does no harm.
func (l *Local) cursorError(ctx context.Context, cursor int64, err error) error {
	switch {
	case errors.Is(err, firehose.ErrOutdatedCursor):
		return fmt.Errorf("%w: it is %d, and the log begins later", ErrOutdated, cursor)
	case errors.Is(err, firehose.ErrFutureCursor):
		last, lastErr := l.Store.LastSeq(ctx)
		return errors.Join(fmt.Errorf("%w: its cursor is %d, and the log ends with %d", ErrBehind, cursor, last), lastErr)
	}
	return err
}

// pageAccounts is how many accounts are read into memory at a time: a slow loop mustn't hold a
// snapshot of the store.
const pageAccounts = 500

// Accounts implements [Source].
func (l *Local) Accounts(ctx context.Context) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		for after, n := int64(0), pageAccounts; n == pageAccounts; {
			var page []Listed
			for h, err := range l.Store.ListAccounts(ctx, after, pageAccounts) {
				if err != nil {
					yield(Listed{}, err)
					return
				}
				page, after = append(page, Listed{h.DID, h.Head.Rev, h.Status()}), h.ID
			}
			for _, listed := range page {
				if !yield(listed, nil) {
					return
				}
			}
			n = len(page)
		}
	}
}

// Handle implements [Source].
func (l *Local) Handle(ctx context.Context, did syntax.DID) (syntax.Handle, error) {
	a, err := l.Store.Account(ctx, did)
	return a.Handle, notFound(err, ErrNoRepo)
}

// Repo implements [Source].
func (l *Local) Repo(ctx context.Context, did syntax.DID) (io.ReadCloser, error) {
	if _, err := l.Store.Head(ctx, did); err != nil {
		return nil, notFound(err, ErrNoRepo)
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(notFound(l.Repos.Export(ctx, did, "", w), ErrNoRepo)) }()
	return r, nil
}

// Blob implements [Source].
func (l *Local) Blob(ctx context.Context, did syntax.DID, c cid.Cid) (io.ReadCloser, error) {
	r, err := l.Blobs.Open(ctx, storage.BlobID{DID: did, CID: c})
	if err != nil {
		return nil, notFound(err, ErrNoBlob)
	}
	return r, nil
}

// notFound adds a sentinel of this package to storage's.
func notFound(err, sentinel error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("%w: %w", sentinel, err)
	}
	return err
}
