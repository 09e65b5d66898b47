package hosting

import (
	"context"
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
)

// Delete removes an account with all that belongs to it, for good, and tells the network. It is
// idempotent: without such an account it does nothing.
func (a *Accounts) Delete(ctx context.Context, did syntax.DID) error {
	if _, err := syntax.ParseDID(did.String()); err != nil { // it may be the name of one of the server's own keys
		return fmt.Errorf("hosting: deleting an account: %w", err)
	}
	event, err := firehose.AccountEvent(did, firehose.StatusDeleted, a.Now())
	if err != nil {
		return err
	}
	if _, err := a.Store.DeleteAccount(ctx, did, event); err != nil {
		return err
	}
	a.Engine.Forget(did)
	return a.Keys.Delete(ctx, did.String()) // from memory, too: the store has removed it already
}

// DeleteDue deletes up to limit deactivated accounts whose DeleteAfter has passed, and returns how
// many were due. If one can't be deleted, it goes on with the others.
func (a *Accounts) DeleteDue(ctx context.Context, limit int) (int, error) {
	var due []syntax.DID
	for did, err := range a.Store.DueAccounts(ctx, a.Now(), limit) {
		if err != nil {
			return 0, err
		}
		due = append(due, did)
	}
	var errs []error
	for _, did := range due {
		if err := a.deleteIfDue(ctx, did); err != nil {
			errs = append(errs, fmt.Errorf("hosting: deleting %s: %w", did, err))
		}
	}
	return len(due), errors.Join(errs...)
}

// deleteIfDue looks at the account once more right before it deletes it: its owner may have come
// back while others on the list were deleted.
func (a *Accounts) deleteIfDue(ctx context.Context, did syntax.DID) error {
	account, err := a.Store.Account(ctx, did)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil
	case err != nil:
		return err
	case account.DeactivatedAt.IsZero() || account.DeleteAfter.IsZero() || account.DeleteAfter.After(a.Now()):
		return nil
	}
	return a.Delete(ctx, did)
}
