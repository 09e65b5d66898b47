package bolt

import (
	"context"
	"errors"
	"iter"
	"math"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

var errIdentity = errors.New("bolt: update alters an account's ID or DID")

// CreateAccount implements [storage.Accounts].
func (s *Store) CreateAccount(ctx context.Context, a storage.NewAccount) (id int64, err error) {
	err = s.update(ctx, func(t tx) error {
		row := a.Account
		if t.get(accounts, key(row.DID.String())) != nil || t.get(repos, key(row.DID.String())) != nil {
			return storage.ErrExists
		}
		n, err := t.Bucket(accounts).NextSequence()
		if err != nil {
			return err
		}
		row.ID = int64(n)
		if err := t.putAccount(row); err != nil {
			return err
		}
		if a.Invite != nil {
			err := t.swapDocument(a.Invite.Old, a.Invite.New)
			if errors.Is(err, storage.ErrNotFound) {
				err = storage.ErrConflict
			}
			if err != nil {
				return err
			}
		}
		id = row.ID
		_, err = t.commit(a.Commit)
		return err
	})
	if err != nil {
		return 0, err
	}
	return id, nil
}

// Account implements [storage.Accounts].
func (s *Store) Account(ctx context.Context, did syntax.DID) (storage.Account, error) {
	return view(ctx, s, func(t tx) (storage.Account, error) { return t.account(did.String()) })
}

// AccountByHandle implements [storage.Accounts].
func (s *Store) AccountByHandle(ctx context.Context, handle syntax.Handle) (storage.Account, error) {
	return s.accountBy(ctx, handles, handle.String())
}

// AccountByEmail implements [storage.Accounts].
func (s *Store) AccountByEmail(ctx context.Context, email string) (storage.Account, error) {
	return s.accountBy(ctx, emails, email)
}

func (s *Store) accountBy(ctx context.Context, index []byte, name string) (storage.Account, error) {
	return view(ctx, s, func(t tx) (storage.Account, error) { return t.account(string(t.get(index, key(name)))) })
}

// UpdateAccount implements [storage.Accounts].
func (s *Store) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, log ...storage.Event,
) (seq int64, err error) {
	err = s.update(ctx, func(t tx) error {
		old, err := t.account(did.String())
		if err != nil {
			return err
		}
		row := old
		if err := change(&row); err != nil {
			return err
		}
		if row.ID != old.ID || row.DID != old.DID {
			return errIdentity
		}
		if err := t.dropAccount(old); err != nil {
			return err
		}
		if err := t.putAccount(row); err != nil {
			return err
		}
		seq, err = t.append(log)
		return err
	})
	return seq, err
}

// DeleteAccount implements [storage.Accounts].
func (s *Store) DeleteAccount(ctx context.Context, did syntax.DID, log ...storage.Event) (seq int64, err error) {
	err = s.update(ctx, func(t tx) error {
		seq = 0
		row, err := t.account(did.String())
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, step := range []func() error{
			func() error { return t.dropAccount(row) },
			func() error { return t.dropRepo(did) },
			func() error { return t.dropTakedowns(did) },
			func() error { return t.deleteDocuments(did, nil) },
			func() error { return t.claimAllBlobs(did) },
			func() error { return t.dropEvents(did) },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		seq, err = t.append(log)
		return err
	})
	return seq, err
}

// ListAccounts implements [storage.Accounts].
func (s *Store) ListAccounts(ctx context.Context, after int64, limit int) iter.Seq2[storage.Hosted, error] {
	return list(ctx, s, func(t tx, yield func(storage.Hosted) bool) error {
		n := 0
		for _, did := range t.scan(accountIDs, key(max(after, 0)+1), nil) {
			if n++; n > limit {
				return nil
			}
			row, err := t.account(string(did))
			if err != nil {
				return err
			}
			r, err := t.repo(row.DID)
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			if !yield(storage.Hosted{Account: row, Head: r.Head}) {
				return nil
			}
		}
		return nil
	})
}

// DueAccounts implements [storage.Accounts].
func (s *Store) DueAccounts(ctx context.Context, now time.Time, limit int) iter.Seq2[syntax.DID, error] {
	return list(ctx, s, func(t tx, yield func(syntax.DID) bool) error {
		n := 0
		for _, did := range t.scan(due, nil, key(now, int64(math.MaxInt64))) {
			if n++; n > limit || !yield(syntax.DID(did)) {
				return nil
			}
		}
		return nil
	})
}

type accountRow struct {
	storage.Account
	DID, Handle string
}

func (t tx) account(did string) (a storage.Account, err error) {
	b := t.get(accounts, key(did))
	if b == nil {
		return a, storage.ErrNotFound
	}
	var row accountRow
	_, err = decode(b, &row)
	a = row.Account
	a.DID, a.Handle = syntax.DID(row.DID), syntax.Handle(row.Handle)
	return a, err
}

// guard returns [storage.ErrGuard] unless an account is what g asks for, if anything.
func (t tx) guard(did syntax.DID, g *storage.Guard) error {
	if g == nil {
		return nil
	}
	a, err := t.account(did.String())
	if errors.Is(err, storage.ErrNotFound) || err == nil && !g.Admits(&a) {
		return storage.ErrGuard
	}
	return err
}

// putAccount adds an account whose ID and DID are free, and whose handle and address have to be.
func (t tx) putAccount(a storage.Account) error {
	a.EmailConfirmedAt, a.CreatedAt = a.EmailConfirmedAt.UTC(), a.CreatedAt.UTC()
	a.DeactivatedAt, a.DeleteAfter = a.DeactivatedAt.UTC(), a.DeleteAfter.UTC()
	did := []byte(a.DID)
	row, err := encode(accountRow{a, a.DID.String(), a.Handle.String()}, nil)
	if err != nil {
		return err
	}
	if err := t.put(accounts, did, row); err != nil {
		return err
	}
	for _, entry := range indexes(a) {
		if taken := t.get(entry.bucket, entry.key); taken != nil {
			return entry.taken
		}
		if err := t.put(entry.bucket, entry.key, did); err != nil {
			return err
		}
	}
	return nil
}

func (t tx) dropAccount(a storage.Account) error {
	for _, entry := range indexes(a) {
		if err := t.delete(entry.bucket, entry.key); err != nil {
			return err
		}
	}
	return t.delete(accounts, key(a.DID.String()))
}

type indexEntry struct {
	bucket, key []byte
	taken       error
}

func indexes(a storage.Account) []indexEntry {
	list := []indexEntry{{accountIDs, key(a.ID), storage.ErrExists}}
	if a.Handle != "" {
		list = append(list, indexEntry{handles, key(a.Handle.String()), storage.ErrHandleTaken})
	}
	if a.Email != "" {
		list = append(list, indexEntry{emails, key(a.Email), storage.ErrEmailTaken})
	}
	if !a.DeactivatedAt.IsZero() && !a.DeleteAfter.IsZero() {
		list = append(list, indexEntry{due, key(a.DeleteAfter, a.ID), storage.ErrExists})
	}
	return list
}
