package storagetest

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// ErrFault is the error of a write that a [Faulty] store reports as failed.
var ErrFault = errors.New("storagetest: injected fault")

// Fault is what happens to a write.
type Fault int

const (
	NoFault Fault = iota
	Lost          // it is not applied, and reported failed
	Applied       // it is applied, and reported failed
)

// Faulty is a store whose writes fail. Its reads are those of the store that it wraps.
type Faulty struct {
	storage.Store

	// Decide says what happens to a call of the writing method of that name, as in "Commit". It may be called from many
	// goroutines at once.
	Decide func(method string) Fault
}

var _ storage.Store = (*Faulty)(nil)

// Unwrap returns the store whose writes fail.
func (f *Faulty) Unwrap() storage.Store { return f.Store }

// inject does a write, or doesn't, as f decides.
func inject[V any](f *Faulty, method string, write func() (V, error)) (V, error) {
	var zero V
	switch f.Decide(method) {
	case Lost:
		return zero, ErrFault
	case Applied:
		write() // its own error stays as unknown to the caller as its success
		return zero, ErrFault
	}
	return write()
}

// injectOnly is inject for a write that returns just an error.
func injectOnly(f *Faulty, method string, write func() error) error {
	_, err := inject(f, method, func() (struct{}, error) { return struct{}{}, write() })
	return err
}

// CreateAccount implements [storage.Accounts].
func (f *Faulty) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	return inject(f, "CreateAccount", func() (int64, error) { return f.Store.CreateAccount(ctx, a) })
}

// UpdateAccount implements [storage.Accounts].
func (f *Faulty) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (int64, error) {
	return inject(f, "UpdateAccount", func() (int64, error) { return f.Store.UpdateAccount(ctx, did, change, events...) })
}

// DeleteAccount implements [storage.Accounts].
func (f *Faulty) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	return inject(f, "DeleteAccount", func() (int64, error) { return f.Store.DeleteAccount(ctx, did, events...) })
}

// Commit implements [storage.Repos].
func (f *Faulty) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	return inject(f, "Commit", func() (int64, error) { return f.Store.Commit(ctx, c) })
}

// Replace implements [storage.Repos].
func (f *Faulty) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	return inject(f, "Replace", func() (int64, error) { return f.Store.Replace(ctx, c, rows) })
}

// AppendEvents implements [storage.Events].
func (f *Faulty) AppendEvents(ctx context.Context, events ...storage.Event) (int64, error) {
	return inject(f, "AppendEvents", func() (int64, error) { return f.Store.AppendEvents(ctx, events...) })
}

// RaiseSeq implements [storage.Events].
func (f *Faulty) RaiseSeq(ctx context.Context, seq int64) error {
	return injectOnly(f, "RaiseSeq", func() error { return f.Store.RaiseSeq(ctx, seq) })
}

// TrimEvents implements [storage.Events].
func (f *Faulty) TrimEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	return inject(f, "TrimEvents", func() (int, error) { return f.Store.TrimEvents(ctx, before, limit) })
}

// PutDocument implements [storage.Documents].
func (f *Faulty) PutDocument(ctx context.Context, d storage.NewDocument) error {
	return injectOnly(f, "PutDocument", func() error { return f.Store.PutDocument(ctx, d) })
}

// TakeDocument implements [storage.Documents].
func (f *Faulty) TakeDocument(ctx context.Context, kind, id string) (storage.Document, error) {
	return inject(f, "TakeDocument", func() (storage.Document, error) { return f.Store.TakeDocument(ctx, kind, id) })
}

// SwapDocument implements [storage.Documents].
func (f *Faulty) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	return injectOnly(f, "SwapDocument", func() error { return f.Store.SwapDocument(ctx, old, new) })
}

// DeleteDocuments implements [storage.Documents].
func (f *Faulty) DeleteDocuments(ctx context.Context, owner syntax.DID, kinds ...string) error {
	return injectOnly(f, "DeleteDocuments", func() error { return f.Store.DeleteDocuments(ctx, owner, kinds...) })
}

// ExpireDocuments implements [storage.Documents].
func (f *Faulty) ExpireDocuments(ctx context.Context, now time.Time, limit int) (int, error) {
	return inject(f, "ExpireDocuments", func() (int, error) { return f.Store.ExpireDocuments(ctx, now, limit) })
}

// PutBlob implements [storage.BlobIndex].
func (f *Faulty) PutBlob(ctx context.Context, b storage.Blob, g *storage.Guard) error {
	return injectOnly(f, "PutBlob", func() error { return f.Store.PutBlob(ctx, b, g) })
}

// SetTakedown implements [storage.Takedowns].
func (f *Faulty) SetTakedown(ctx context.Context, t storage.Takedown) error {
	return injectOnly(f, "SetTakedown", func() error { return f.Store.SetTakedown(ctx, t) })
}

// ClaimBlobs implements [storage.BlobIndex].
func (f *Faulty) ClaimBlobs(ctx context.Context, uploadedBefore time.Time, limit int) ([]storage.BlobID, error) {
	return inject(f, "ClaimBlobs", func() ([]storage.BlobID, error) { return f.Store.ClaimBlobs(ctx, uploadedBefore, limit) })
}

// RemoveBlob implements [storage.BlobIndex].
func (f *Faulty) RemoveBlob(ctx context.Context, id storage.BlobID) error {
	return injectOnly(f, "RemoveBlob", func() error { return f.Store.RemoveBlob(ctx, id) })
}
