package sqlite

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// errStale says that an account was updated between being read and being written. Nobody outside sees it.
var errStale = errors.New("sqlite: account has changed meanwhile")

// UpdateAccount implements [storage.Accounts]. It runs change on the caller's goroutine, so that neither a slow one nor one that panics concerns the writer, and
// starts over if another update came between.
func (s *Store) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (int64, error) {
	defer s.cache.change(did)()
	for {
		old, err := read(ctx, s.readers, func(db *conn) (versionedAccount, error) {
			return one(db, scanVersionedAccount, `SELECT `+accountColumns+`, a.version FROM accounts a WHERE a.did = ?1`, did)
		})
		if err != nil {
			return 0, err
		}
		a := old.Account
		if err := change(&a); err != nil {
			return 0, err
		}
		a.ID, a.DID = old.ID, old.DID
		seq, err := write(ctx, s.writer, func(db *conn) (int64, error) { return updateAccount(db, &a, old.version, events) })
		if !errors.Is(err, errStale) {
			return seq, err
		}
	}
}

func updateAccount(db *conn, a *storage.Account, version int64, events []storage.Event) (int64, error) {
	same, err := exists(db, `SELECT 1 FROM accounts WHERE id = ?1 AND version = ?2`, a.ID, version)
	if err != nil {
		return 0, err
	}
	if !same {
		return 0, errStale
	}
	if err := checkUnique(db, a, a.ID); err != nil {
		return 0, err
	}
	err = db.exec(`UPDATE accounts SET handle = ?2, email = ?3, email_confirmed = ?4, password_hash = ?5, created = ?6,
		deactivated = ?7, delete_after = ?8, takedown = ?9, suspended = ?10, epoch = ?11, session_epoch = ?12,
		version = version + 1 WHERE id = ?1`,
		a.ID, a.Handle, a.Email, a.EmailConfirmedAt, a.PasswordHash, a.CreatedAt,
		a.DeactivatedAt, a.DeleteAfter, a.TakedownRef, a.Suspended, a.Epoch, a.SessionEpoch)
	if err != nil {
		return 0, err
	}
	return appendEvents(db, events)
}

type versionedAccount struct {
	storage.Account
	version int64
}

func scanVersionedAccount(r *lite.Stmt) (v versionedAccount, err error) {
	v.Account, err = scanAccount(r)
	v.version = r.ColumnInt64(accountColumnCount)
	return v, err
}
