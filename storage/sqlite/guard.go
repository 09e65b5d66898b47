package sqlite

import (
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// checkGuard returns [storage.ErrGuard] unless the account satisfies g. A nil guard is satisfied.
func checkGuard(db *conn, did syntax.DID, g *storage.Guard) error {
	if g == nil {
		return nil
	}
	a, err := guarded(db, did)
	switch {
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return err
	case err != nil || !g.Admits(&a):
		return fmt.Errorf("sqlite: account %s: %w", did, storage.ErrGuard)
	}
	return nil
}

// guarded returns what a guard looks at, in the state of the writer's transaction. The cache has
// that state, too: it forgets an account before a change of it is queued, and remembers it again
// only after.
func guarded(db *conn, did syntax.DID) (storage.Account, error) {
	if a, _, ok := db.accounts.get(did); ok {
		return a, nil
	}
	return one(db, scanGuarded, `SELECT epoch, deactivated, takedown, suspended FROM accounts WHERE did = ?1`, did)
}

// scanGuarded reads what a guard looks at.
func scanGuarded(r *lite.Stmt) (storage.Account, error) {
	return storage.Account{
		Epoch:         r.ColumnInt64(0),
		DeactivatedAt: columnTime(r, 1),
		TakedownRef:   r.ColumnText(2),
		Suspended:     r.ColumnBool(3),
	}, nil
}
