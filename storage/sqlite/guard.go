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
	a, err := one(db, scanGuarded, `SELECT epoch, deactivated, takedown, suspended FROM accounts WHERE did = ?1`, did)
	switch {
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return err
	case err != nil || !g.Admits(&a):
		return fmt.Errorf("sqlite: account %s: %w", did, storage.ErrGuard)
	}
	return nil
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
