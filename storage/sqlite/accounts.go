package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

const accountColumns = `a.id, a.did, a.handle, a.email, a.email_confirmed, a.password_hash, a.created, a.deactivated,
	a.delete_after, a.takedown, a.suspended, a.epoch, a.session_epoch`

// accountColumnCount is how many columns accountColumns names.
const accountColumnCount = 13

// CreateAccount implements [storage.Accounts].
func (s *Store) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	defer s.cache.change(a.Account.DID)()
	return write(ctx, s.writer, func(db *conn) (int64, error) { return createAccount(db, a) })
}

func createAccount(db *conn, n storage.NewAccount) (id int64, err error) {
	a := &n.Account
	taken, err := exists(db, `SELECT 1 FROM accounts WHERE did = ?1 UNION ALL SELECT 1 FROM repos WHERE did = ?1`, a.DID)
	if err != nil {
		return 0, err
	}
	if taken {
		return 0, fmt.Errorf("sqlite: account %s: %w", a.DID, storage.ErrExists)
	}
	if err := checkUnique(db, a, 0); err != nil {
		return 0, err
	}
	if n.Invite != nil {
		if err := checkDocument(db, n.Invite.Old); errors.Is(err, storage.ErrNotFound) {
			return 0, fmt.Errorf("sqlite: invite: %w", storage.ErrConflict)
		} else if err != nil {
			return 0, err
		}
	}
	n.Commit.Guard = nil
	if _, err := commit(db, n.Commit); err != nil { // checks before it writes
		return 0, err
	}
	if n.Invite != nil {
		if err := storeDocument(db, n.Invite.New); err != nil {
			return 0, err
		}
	}
	err = db.exec(`INSERT INTO accounts (did, handle, email, email_confirmed, password_hash, created, deactivated,
		delete_after, takedown, suspended, epoch, session_epoch, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0)`,
		a.DID, a.Handle, a.Email, a.EmailConfirmedAt, a.PasswordHash, a.CreatedAt, a.DeactivatedAt,
		a.DeleteAfter, a.TakedownRef, a.Suspended, a.Epoch, a.SessionEpoch)
	return db.LastInsertRowID(), err
}

// checkUnique tells whether an account other than the one with an ID has a's handle or address.
func checkUnique(db *conn, a *storage.Account, id int64) error {
	taken, err := exists(db, `SELECT 1 FROM accounts WHERE handle = ?1 AND handle <> '' AND id <> ?2`, a.Handle, id)
	if err != nil {
		return err
	}
	if taken {
		return fmt.Errorf("sqlite: account %s: %w", a.DID, storage.ErrHandleTaken)
	}
	taken, err = exists(db, `SELECT 1 FROM accounts WHERE email = ?1 AND email <> '' AND id <> ?2`, a.Email, id)
	if err != nil {
		return err
	}
	if taken {
		return fmt.Errorf("sqlite: account %s: %w", a.DID, storage.ErrEmailTaken)
	}
	return nil
}

// Account implements [storage.Accounts].
func (s *Store) Account(ctx context.Context, did syntax.DID) (storage.Account, error) {
	if err := ctx.Err(); err != nil {
		return storage.Account{}, err
	}
	cached, changes, ok := s.cache.get(did)
	if ok {
		return cached, nil
	}
	a, err := s.account(ctx, `a.did = ?1`, did)
	if err == nil {
		s.cache.put(a, changes)
	}
	return a, err
}

// AccountByHandle implements [storage.Accounts].
func (s *Store) AccountByHandle(ctx context.Context, handle syntax.Handle) (storage.Account, error) {
	return s.account(ctx, `a.handle = ?1 AND a.handle <> ''`, handle)
}

// AccountByEmail implements [storage.Accounts].
func (s *Store) AccountByEmail(ctx context.Context, email string) (storage.Account, error) {
	return s.account(ctx, `a.email = ?1 AND a.email <> ''`, email)
}

func (s *Store) account(ctx context.Context, where string, arg any) (storage.Account, error) {
	return read(ctx, s.readers, func(db *conn) (storage.Account, error) {
		return one(db, scanAccount, `SELECT `+accountColumns+` FROM accounts a WHERE `+where, arg)
	})
}

// ListAccounts implements [storage.Accounts].
func (s *Store) ListAccounts(ctx context.Context, after int64, limit int) iter.Seq2[storage.Hosted, error] {
	return list(ctx, s.readers, func(db *conn) iter.Seq2[storage.Hosted, error] {
		return each(ctx, db, scanHosted, `SELECT `+accountColumns+`, r.did, r.head, r.rev, r.data, r.block
			FROM accounts a JOIN repos r ON r.did = a.did WHERE a.id > ?1 ORDER BY a.id LIMIT ?2`, after, max(limit, 0))
	})
}

// selectDue has to repeat the condition of the index accounts_by_end.
const selectDue = `SELECT did FROM accounts WHERE deactivated <> -62135596800000000 AND delete_after <> -62135596800000000
	AND delete_after <= ?1 ORDER BY delete_after, id LIMIT ?2`

// DueAccounts implements [storage.Accounts].
func (s *Store) DueAccounts(ctx context.Context, now time.Time, limit int) iter.Seq2[syntax.DID, error] {
	return list(ctx, s.readers, func(db *conn) iter.Seq2[syntax.DID, error] {
		return each(ctx, db, scanDID, selectDue, now, max(limit, 0))
	})
}

func scanAccount(r *lite.Stmt) (storage.Account, error) {
	return storage.Account{
		ID:               r.ColumnInt64(0),
		DID:              syntax.DID(r.ColumnText(1)),
		Handle:           syntax.Handle(r.ColumnText(2)),
		Email:            r.ColumnText(3),
		EmailConfirmedAt: columnTime(r, 4),
		PasswordHash:     r.ColumnText(5),
		CreatedAt:        columnTime(r, 6),
		DeactivatedAt:    columnTime(r, 7),
		DeleteAfter:      columnTime(r, 8),
		TakedownRef:      r.ColumnText(9),
		Suspended:        r.ColumnBool(10),
		Epoch:            r.ColumnInt64(11),
		SessionEpoch:     r.ColumnInt64(12),
	}, nil
}

func scanHosted(r *lite.Stmt) (h storage.Hosted, err error) {
	if h.Account, err = scanAccount(r); err != nil {
		return h, err
	}
	h.Head, err = scanHeadAt(r, accountColumnCount)
	return h, err
}
