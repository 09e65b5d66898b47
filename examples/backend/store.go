package main

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// store is another store, but for its documents. Where a contract wants accounts and documents to
// change in one write, two databases need two, and a caller can notice:
//
//   - CreateAccount and DeleteAccount write the documents first. If the second write fails, the first
//     is undone. A crash between the two lets nobody in: it costs an invite, or it leaves an account
//     that was being deleted without its documents (sessions, preferences, signing key) until it is
//     deleted again. A reader may see the state between the two.
//   - A guard is checked before the document is written. The lock changes keeps the account as it is
//     until then, but only if all writes of accounts go through this store, in one process.
//
// A backend that can't accept this keeps accounts and documents in one database.
type store struct {
	storage.Store
	documents *documents

	// changes is read-locked while an account changes, and locked while a guarded document is written.
	changes sync.RWMutex
}

var _ storage.Store = (*store)(nil)

// Unwrap lets the capabilities of the other store be found.
func (s *store) Unwrap() storage.Store { return s.Store }

// CreateAccount implements storage.Accounts: the invite is used up first, and given back if there is no account.
func (s *store) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	invite := a.Invite
	if a.Invite = nil; invite == nil {
		return s.Store.CreateAccount(ctx, a)
	}
	// The errors of the account go before that of the invite.
	if err := s.free(ctx, a.Account); err != nil {
		return 0, err
	}
	unused, err := s.documents.swap(ctx, invite.Old, invite.New)
	if errors.Is(err, storage.ErrNotFound) {
		err = storage.ErrConflict
	}
	if err != nil {
		return 0, err
	}
	id, err := s.Store.CreateAccount(ctx, a)
	if nothingWritten(err) {
		_, back := s.documents.swap(context.WithoutCancel(ctx), invite.New, unused)
		err = errors.Join(err, back)
	}
	return id, err
}

// free returns the error of CreateAccount if the DID, handle or address of a new account is taken.
func (s *store) free(ctx context.Context, a storage.Account) error {
	_, account := s.Account(ctx, a.DID)
	_, repo := s.Head(ctx, a.DID)
	_, handle := s.AccountByHandle(ctx, a.Handle)
	_, email := s.AccountByEmail(ctx, a.Email)
	for _, look := range []struct{ err, taken error }{
		{account, storage.ErrExists}, {repo, storage.ErrExists},
		{handle, storage.ErrHandleTaken}, {email, storage.ErrEmailTaken},
	} {
		switch {
		case look.err == nil:
			return look.taken
		case !errors.Is(look.err, storage.ErrNotFound):
			return look.err
		}
	}
	return nil
}

// nothingWritten says whether a write has certainly not happened: the sentinel errors say that, others don't.
func nothingWritten(err error) bool {
	for _, sentinel := range []error{
		storage.ErrNotFound, storage.ErrExists, storage.ErrFull, storage.ErrConflict, storage.ErrGuard, storage.ErrLimit,
	} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}

// UpdateAccount implements storage.Accounts.
func (s *store) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (int64, error) {
	s.changes.RLock()
	defer s.changes.RUnlock()
	return s.Store.UpdateAccount(ctx, did, change, events...)
}

// DeleteAccount implements storage.Accounts: the documents are deleted first, and put back if the
// account stays.
func (s *store) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	s.changes.RLock()
	defer s.changes.RUnlock()
	switch _, err := s.Account(ctx, did); {
	case errors.Is(err, storage.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	}
	deleted, err := s.documents.deleteAll(ctx, did)
	if err != nil {
		return 0, err
	}
	seq, err := s.Store.DeleteAccount(ctx, did, events...)
	if err != nil {
		ctx := context.WithoutCancel(ctx)
		if _, gone := s.Account(ctx, did); gone == nil {
			err = errors.Join(err, s.documents.putBack(ctx, deleted))
		}
	}
	return seq, err
}

// The rest implements storage.Documents.

func (s *store) PutDocument(ctx context.Context, d storage.NewDocument) error {
	return s.guarded(ctx, d, func() error { return s.documents.put(ctx, d) })
}

func (s *store) SwapDocument(ctx context.Context, old storage.Document, new storage.NewDocument) error {
	return s.guarded(ctx, new, func() error {
		_, err := s.documents.swap(ctx, old, new.Document)
		return err
	})
}

// guarded calls write if the owner's account is what the guard of d asks for, and keeps it so
// meanwhile.
func (s *store) guarded(ctx context.Context, d storage.NewDocument, write func() error) error {
	if d.Guard == nil {
		return write()
	}
	s.changes.Lock()
	defer s.changes.Unlock()
	a, err := s.Account(ctx, d.Owner)
	if errors.Is(err, storage.ErrNotFound) || err == nil && !d.Guard.Admits(&a) {
		return storage.ErrGuard
	}
	if err != nil {
		return err
	}
	return write()
}

func (s *store) Document(ctx context.Context, kind, id string) (storage.Document, error) {
	return s.documents.get(ctx, kind, id)
}

func (s *store) TakeDocument(ctx context.Context, kind, id string) (storage.Document, error) {
	return s.documents.take(ctx, kind, id)
}

func (s *store) ListDocuments(ctx context.Context, r storage.DocumentRange) iter.Seq2[storage.Document, error] {
	return s.documents.list(ctx, r)
}

func (s *store) CountDocuments(ctx context.Context, r storage.DocumentRange) (int64, error) {
	return s.documents.count(ctx, r)
}

func (s *store) DeleteDocuments(ctx context.Context, owner syntax.DID, kinds ...string) error {
	return s.documents.delete(ctx, owner, kinds)
}

func (s *store) ExpireDocuments(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.documents.expire(ctx, now, limit)
}
