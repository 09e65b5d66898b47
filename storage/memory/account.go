package memory

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var errIdentity = errors.New("memory: update alters an account's ID or DID")

// CreateAccount implements [storage.Accounts].
func (s *Store) CreateAccount(ctx context.Context, a storage.NewAccount) (id int64, err error) {
	err = s.write(ctx, func(s *state) error {
		row := a.Account
		if s.account(row.DID) != nil || s.repo(row.DID) != nil {
			return storage.ErrExists
		}
		s.lastID++
		row.ID = s.lastID
		if err := s.putAccount(row); err != nil {
			return err
		}
		if a.Invite != nil {
			err := s.swapDocument(a.Invite.Old, a.Invite.New)
			if errors.Is(err, storage.ErrNotFound) {
				err = storage.ErrConflict
			}
			if err != nil {
				return err
			}
		}
		a.Commit.Guard = nil
		if _, err := s.commit(a.Commit); err != nil {
			return err
		}
		id = row.ID
		return nil
	})
	return id, err
}

// Account implements [storage.Accounts].
func (s *Store) Account(ctx context.Context, did syntax.DID) (storage.Account, error) {
	return found(ctx, s.now.Load().account(did))
}

// AccountByHandle implements [storage.Accounts].
func (s *Store) AccountByHandle(ctx context.Context, handle syntax.Handle) (storage.Account, error) {
	row, _ := s.now.Load().accountsByHandle.Get(&storage.Account{Handle: handle})
	return found(ctx, row)
}

// AccountByEmail implements [storage.Accounts].
func (s *Store) AccountByEmail(ctx context.Context, email string) (storage.Account, error) {
	row, _ := s.now.Load().accountsByEmail.Get(&storage.Account{Email: email})
	return found(ctx, row)
}

// UpdateAccount implements [storage.Accounts]. Other writers wait for change.
func (s *Store) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (seq int64, err error) {
	err = s.write(ctx, func(s *state) error {
		old := s.account(did)
		if old == nil {
			return storage.ErrNotFound
		}
		row := *old
		if err := change(&row); err != nil {
			return err
		}
		if row.ID != old.ID || row.DID != old.DID {
			return errIdentity
		}
		s.dropAccount(old)
		if err := s.putAccount(row); err != nil {
			return err
		}
		seq = s.append(events)
		return nil
	})
	return seq, err
}

// DeleteAccount implements [storage.Accounts].
func (s *Store) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (seq int64, err error) {
	err = s.write(ctx, func(s *state) error {
		row := s.account(did)
		if row == nil {
			return nil
		}
		s.dropAccount(row)
		s.dropRepo(did)
		s.deleteDocuments(did, func(string) bool { return true })
		s.claimAll(did)
		s.dropEvents(did)
		seq = s.append(events)
		return nil
	})
	return seq, err
}

// ListAccounts implements [storage.Accounts].
func (s *Store) ListAccounts(ctx context.Context, after int64, limit int) iter.Seq2[storage.Hosted, error] {
	return func(yield func(storage.Hosted, error) bool) {
		now, n := s.now.Load(), 0
		now.accounts.Ascend(&storage.Account{ID: after + 1}, func(row *storage.Account) bool {
			if n >= limit {
				return false
			}
			n++
			if err := ctx.Err(); err != nil {
				yield(storage.Hosted{}, err)
				return false
			}
			h := storage.Hosted{Account: *row}
			if r := now.repo(row.DID); r != nil {
				h.Head = r.head
			}
			return yield(h, nil)
		})
	}
}

// DueAccounts implements [storage.Accounts].
func (s *Store) DueAccounts(ctx context.Context, now time.Time, limit int) iter.Seq2[syntax.DID, error] {
	return func(yield func(syntax.DID, error) bool) {
		n := 0
		s.now.Load().accountsByEnd.Scan(func(row *storage.Account) bool {
			if n >= limit || row.DeleteAfter.After(now) {
				return false
			}
			n++
			if err := ctx.Err(); err != nil {
				yield("", err)
				return false
			}
			return yield(row.DID, nil)
		})
	}
}

// ends says whether an account's time comes at some time.
func ends(a *storage.Account) bool { return !a.DeactivatedAt.IsZero() && !a.DeleteAfter.IsZero() }

// account returns the account with a DID, or nil.
func (s *state) account(did syntax.DID) *storage.Account {
	row, _ := s.accountsByDID.Get(&storage.Account{DID: did})
	return row
}

// admit returns [storage.ErrGuard] unless the guard on an account, if there is one, is met.
func (s *state) admit(did syntax.DID, g *storage.Guard) error {
	if g == nil {
		return nil
	}
	if row := s.account(did); row == nil || !g.Admits(row) {
		return storage.ErrGuard
	}
	return nil
}

// putAccount adds an account whose ID and DID are free, and whose handle and address have to be.
func (s *state) putAccount(a storage.Account) error {
	a.EmailConfirmedAt = utc(a.EmailConfirmedAt)
	a.CreatedAt = utc(a.CreatedAt)
	a.DeactivatedAt = utc(a.DeactivatedAt)
	a.DeleteAfter = utc(a.DeleteAfter)
	s.accounts.Set(&a)
	s.accountsByDID.Set(&a)
	if a.Handle != "" {
		if _, taken := s.accountsByHandle.Set(&a); taken {
			return storage.ErrHandleTaken
		}
	}
	if a.Email != "" {
		if _, taken := s.accountsByEmail.Set(&a); taken {
			return storage.ErrEmailTaken
		}
	}
	if ends(&a) {
		s.accountsByEnd.Set(&a)
	}
	return nil
}

func (s *state) dropAccount(row *storage.Account) {
	s.accounts.Delete(row)
	s.accountsByDID.Delete(row)
	if row.Handle != "" {
		s.accountsByHandle.Delete(row)
	}
	if row.Email != "" {
		s.accountsByEmail.Delete(row)
	}
	if ends(row) {
		s.accountsByEnd.Delete(row)
	}
}

// found returns the row, or [storage.ErrNotFound] if it is nil.
func found[T any](ctx context.Context, row *T) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	if row == nil {
		return zero, storage.ErrNotFound
	}
	return *row, nil
}
