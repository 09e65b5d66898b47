package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
)

// Exporter writes repos as CAR files. It is a [github.com/pdskit/pdskit/repo.Engine].
type Exporter interface {
	Export(ctx context.Context, did syntax.DID, since syntax.TID, w io.Writer) error
}

// Local is a server of this library as a [Source] and a [PrivateSource], read from its storage. If Store is or wraps a
// [firehose.Log], new events come without delay, else within a second.
type Local struct {
	// Required.

	Store storage.Store
	Blobs storage.Blobs
	Repos Exporter

	// ServerKeys are the names of the server's own keys that are kept, as they are sealed. If nil, none is.
	ServerKeys []string

	// TokenKinds are the kinds of accounts' tokens that are kept, such as app passwords. If nil, none is.
	TokenKinds []string
}

var (
	_ Source        = (*Local)(nil)
	_ PrivateSource = (*Local)(nil)
)

// Cursor implements [Source].
func (l *Local) Cursor(ctx context.Context) (int64, error) { return l.Store.LastSeq(ctx) }

// Events implements [Source].
func (l *Local) Events(ctx context.Context, cursor int64, follow bool) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		if err := l.checkCursor(ctx, cursor); err != nil {
			yield(storage.Event{}, err)
			return
		}
		events := l.Store.ListEvents(ctx, cursor, 0)
		if follow {
			events = l.tail(ctx, cursor)
		}
		for e, err := range events {
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// checkCursor says whether the log has all events after a cursor. That an account's deletion has removed its first
// events looks the same as if they had been trimmed; to list the accounts anew does no harm.
func (l *Local) checkCursor(ctx context.Context, cursor int64) error {
	last, err := l.Store.LastSeq(ctx)
	if err != nil {
		return err
	}
	first := last + 1
	for e, err := range l.Store.ListEvents(ctx, 0, 1) {
		if err != nil {
			return err
		}
		first = e.Seq
	}
	if cursor > last {
		return fmt.Errorf("%w: its cursor is %d, and the log ends with %d", ErrBehind, cursor, last)
	}
	if cursor+1 < first {
		return fmt.Errorf("%w: it is %d, and the log has %d to %d", ErrOutdated, cursor, first, last)
	}
	return nil
}

// tail yields events as they come.
func (l *Local) tail(ctx context.Context, cursor int64) iter.Seq2[storage.Event, error] {
	if log, ok := storage.As[*firehose.Log](l.Store); ok {
		return log.Tail(ctx, cursor)
	}
	return func(yield func(storage.Event, error) bool) {
		for {
			for e, err := range l.Store.ListEvents(ctx, cursor, 0) {
				if !yield(e, err) || err != nil {
					return
				}
				cursor = e.Seq
			}
			if err := sleep(ctx, time.Second); err != nil {
				yield(storage.Event{}, err)
				return
			}
		}
	}
}

// Accounts implements [Source].
func (l *Local) Accounts(ctx context.Context) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		const page = 500
		for after, n := int64(0), page; n == page; {
			n = 0
			for h, err := range l.Store.ListAccounts(ctx, after, page) {
				if !yield(Listed{h.DID, h.Head.Rev, h.Status()}, err) || err != nil {
					return
				}
				after, n = h.ID, n+1
			}
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
	r, err := l.Blobs.OpenBlob(ctx, storage.BlobID{DID: did, CID: c})
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

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
