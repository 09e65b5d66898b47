package backup

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
		last, err := l.checkCursor(ctx, cursor)
		if err != nil {
			yield(storage.Event{}, err)
			return
		}
		if log, ok := storage.As[*firehose.Log](l.Store); ok && follow {
			log.Tail(ctx, cursor)(yield)
			return
		}
		for follow || cursor < last {
			events, err := l.page(ctx, cursor)
			if err == nil && len(events) == 0 {
				if cursor = max(cursor, last); follow { // numbers may be missing
					err = sleep(ctx, time.Second)
				}
			}
			if err != nil {
				yield(storage.Event{}, err)
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
				cursor = e.Seq
			}
		}
	}
}

// Events are read into memory, a few at a time, and so are accounts: a slow loop mustn't hold a snapshot of the store.
const (
	pageEvents   = 256
	pageBytes    = 4 << 20
	pageAccounts = 500
)

func (l *Local) page(ctx context.Context, cursor int64) (events []storage.Event, err error) {
	size := 0
	for e, err := range l.Store.ListEvents(ctx, cursor, pageEvents) {
		if err != nil {
			return nil, err
		}
		events = append(events, e)
		if size += len(e.Body); size >= pageBytes {
			break
		}
	}
	return events, nil
}

// checkCursor says whether the log has all events after a cursor, and returns the last number of the log. That an account's
// deletion has removed its first events looks the same as if they had been trimmed; to list the accounts anew does no harm.
func (l *Local) checkCursor(ctx context.Context, cursor int64) (last int64, err error) {
	if last, err = l.Store.LastSeq(ctx); err != nil {
		return 0, err
	}
	first := last + 1
	for e, err := range l.Store.ListEvents(ctx, 0, 1) {
		if err != nil {
			return 0, err
		}
		first = e.Seq
	}
	if cursor > last {
		return 0, fmt.Errorf("%w: its cursor is %d, and the log ends with %d", ErrBehind, cursor, last)
	}
	if cursor+1 < first {
		return 0, fmt.Errorf("%w: it is %d, and the log has %d to %d", ErrOutdated, cursor, first, last)
	}
	return last, nil
}

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
