package sqlite

import (
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// checkGuard tells whether an account is what a guard asks for. Without a guard, it asks for nothing.
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

// guarded returns what a guard looks at, as it is in the writer's transaction. An account that is remembered is so, too:
// none is while a write that changes it waits or is under way.
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
