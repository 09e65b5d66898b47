package storagetest_test

import (
	"context"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// guardless ignores the guard of one method.
type guardless struct {
	storage.Store
	of string
}

// drop returns the guard that a method should take notice of.
func (s guardless) drop(method string, g *storage.Guard) *storage.Guard {
	if method == s.of {
		return nil
	}
	return g
}

func (s guardless) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	c.Guard = s.drop("Commit", c.Guard)
	return s.Store.Commit(ctx, c)
}

func (s guardless) Replace(
	ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error],
) (int64, error) {
	c.Guard = s.drop("Replace", c.Guard)
	return s.Store.Replace(ctx, c, rows)
}

func (s guardless) PutBlob(ctx context.Context, b storage.Blob, g *storage.Guard) error {
	return s.Store.PutBlob(ctx, b, s.drop("PutBlob", g))
}

func (s guardless) PutDocument(ctx context.Context, d storage.NewDocument) error {
	d.Guard = s.drop("PutDocument", d.Guard)
	return s.Store.PutDocument(ctx, d)
}

func (s guardless) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	new.Guard = s.drop("SwapDocument", new.Guard)
	return s.Store.SwapDocument(ctx, old, new)
}

// earlyGuard checks the guard of one method before it writes.
type earlyGuard struct {
	storage.Store
	of string
}

// check checks the guard, and returns the one that is left to be checked within the write.
func (s earlyGuard) check(
	ctx context.Context, method string, did syntax.DID, g *storage.Guard,
) (*storage.Guard, error) {
	if g == nil || method != s.of {
		return g, nil
	}
	a, err := s.Account(ctx, did)
	if err != nil || !g.Admits(&a) {
		return nil, storage.ErrGuard
	}
	linger()
	return nil, nil
}

func (s earlyGuard) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	var err error
	if c.Guard, err = s.check(ctx, "Commit", c.Head.DID, c.Guard); err != nil {
		return 0, err
	}
	return s.Store.Commit(ctx, c)
}

func (s earlyGuard) Replace(
	ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error],
) (int64, error) {
	var err error
	if c.Guard, err = s.check(ctx, "Replace", c.Head.DID, c.Guard); err != nil {
		return 0, err
	}
	return s.Store.Replace(ctx, c, rows)
}

func (s earlyGuard) PutBlob(ctx context.Context, b storage.Blob, g *storage.Guard) error {
	if _, err := s.Account(ctx, b.DID); err == nil {
		if g, err = s.check(ctx, "PutBlob", b.DID, g); err != nil {
			return err
		}
	}
	return s.Store.PutBlob(ctx, b, g)
}

func (s earlyGuard) PutDocument(ctx context.Context, d storage.NewDocument) error {
	var err error
	if d.Guard, err = s.check(ctx, "PutDocument", d.Owner, d.Guard); err != nil {
		return err
	}
	return s.Store.PutDocument(ctx, d)
}

func (s earlyGuard) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	var err error
	if new.Guard, err = s.check(ctx, "SwapDocument", new.Owner, new.Guard); err != nil {
		return err
	}
	return s.Store.SwapDocument(ctx, old, new)
}

// oldOwner checks the guard of a swap on the owner of the document that is replaced.
type oldOwner struct{ storage.Store }

func (s oldOwner) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	if a, err := s.Account(ctx, old.Owner); err == nil && new.Guard != nil {
		if !new.Guard.Admits(&a) {
			return storage.ErrGuard
		}
		new.Guard = nil
	}
	return s.Store.SwapDocument(ctx, old, new)
}
