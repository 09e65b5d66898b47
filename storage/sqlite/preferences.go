package sqlite

import (
	"bytes"
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"
	lite "zombiezen.com/go/sqlite"
)

// preferences are an account's, which may be none.
type preferences struct {
	account int64
	value   []byte
}

func readPreferences(db *conn, did syntax.DID) (preferences, error) {
	return one(db, func(r *lite.Stmt) (preferences, error) {
		return preferences{r.ColumnInt64(0), columnBytes(r, 1)}, nil
	}, `SELECT a.id, p.value FROM accounts a LEFT JOIN preferences p ON p.account = a.id WHERE a.did = ?1`, did)
}

// Preferences implements [storage.Accounts].
func (s *Store) Preferences(ctx context.Context, did syntax.DID) ([]byte, error) {
	p, err := read(ctx, s.readers, func(db *conn) (preferences, error) { return readPreferences(db, did) })
	return p.value, err
}

// UpdatePreferences implements [storage.Accounts]. Like UpdateAccount it runs change on the caller's goroutine, and starts
// over if another update came between.
func (s *Store) UpdatePreferences(
	ctx context.Context, did syntax.DID, change func(old []byte) ([]byte, error),
) error {
	for {
		old, err := read(ctx, s.readers, func(db *conn) (preferences, error) { return readPreferences(db, did) })
		if err != nil {
			return err
		}
		value, err := change(old.value)
		if err != nil {
			return err
		}
		err = writeOnly(ctx, s.writer, func(db *conn) error { return updatePreferences(db, did, old, value) })
		if !errors.Is(err, errStale) {
			return err
		}
	}
}

// updatePreferences replaces an account's preferences if they are still the old ones. Error: errStale if they aren't.
func updatePreferences(db *conn, did syntax.DID, old preferences, value []byte) error {
	now, err := readPreferences(db, did)
	if err != nil {
		return err
	}
	if now.account != old.account || !bytes.Equal(now.value, old.value) {
		return errStale
	}
	return db.exec(`INSERT OR REPLACE INTO preferences (account, value) VALUES (?1, ?2)`, now.account, value)
}
