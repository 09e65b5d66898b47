package pds_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// meddling is a store in which something happens right before a call, or by which the call fails.
type meddling struct {
	storage.Store
	before func(method, of string) error // nil for nothing
}

// startMeddling makes a world on a store that doesn't meddle yet.
func startMeddling(t *testing.T) (*world, *meddling) {
	t.Helper()
	store := &meddling{Store: memory.New()}
	return start(t, func(c *pds.Config) { c.Store = store }), store
}

var errMeddled = errors.New("injected")

// once has f happen before the next call of a method, of all or of a kind of tokens.
func (m *meddling) once(method, of string, f func() error) {
	m.before = func(called, by string) error {
		if called != method || of != "" && of != by {
			return nil
		}
		m.before = nil
		return f()
	}
}

// fail has the next call of a method fail.
func (m *meddling) fail(method string) { m.once(method, "", func() error { return errMeddled }) }

func (m *meddling) meddle(method, of string) error {
	if m.before == nil {
		return nil
	}
	return m.before(method, of)
}

func (m *meddling) AccountByEmail(ctx context.Context, email string) (storage.Account, error) {
	if err := m.meddle("AccountByEmail", ""); err != nil {
		return storage.Account{}, err
	}
	return m.Store.AccountByEmail(ctx, email)
}

func (m *meddling) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	if err := m.meddle("CreateAccount", ""); err != nil {
		return 0, err
	}
	return m.Store.CreateAccount(ctx, a)
}

func (m *meddling) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (int64, error) {
	if err := m.meddle("UpdateAccount", ""); err != nil {
		return 0, err
	}
	return m.Store.UpdateAccount(ctx, did, change, events...)
}

func (m *meddling) PutDocument(ctx context.Context, d storage.NewDocument) error {
	if err := m.meddle("PutDocument", d.Kind); err != nil {
		return err
	}
	return m.Store.PutDocument(ctx, d)
}

func (m *meddling) Document(ctx context.Context, kind, id string) (storage.Document, error) {
	if err := m.meddle("Document", kind); err != nil {
		return storage.Document{}, err
	}
	return m.Store.Document(ctx, kind, id)
}

func (m *meddling) TakeDocument(ctx context.Context, kind, id string) (storage.Document, error) {
	if err := m.meddle("TakeDocument", kind); err != nil {
		return storage.Document{}, err
	}
	return m.Store.TakeDocument(ctx, kind, id)
}

func (m *meddling) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	if err := m.meddle("Commit", ""); err != nil {
		return 0, err
	}
	return m.Store.Commit(ctx, c)
}

func (m *meddling) Replace(
	ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error],
) (int64, error) {
	if err := m.meddle("Replace", ""); err != nil {
		return 0, err
	}
	return m.Store.Replace(ctx, c, rows)
}

func (m *meddling) PutBlob(ctx context.Context, b storage.Blob, g *storage.Guard) error {
	if err := m.meddle("PutBlob", ""); err != nil {
		return err
	}
	return m.Store.PutBlob(ctx, b, g)
}
