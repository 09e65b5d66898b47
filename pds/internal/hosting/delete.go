package hosting

import (
	"context"
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
)

// Delete removes an account with all that belongs to it, for good, and tells the network. To delete what isn't there is
// no error.
func (a *Accounts) Delete(ctx context.Context, did syntax.DID) error {
	if _, err := syntax.ParseDID(did.String()); err != nil { // or a key of the server's own would go, by its name
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
	return a.Keys.Delete(ctx, did.String()) // the store has removed it; what keeps it in memory has to, too
}

// DeleteDue deletes up to limit of the accounts whose owners have deactivated them with a time to delete them after, and
// returns how many were due. One that can't be deleted now doesn't keep the others.
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

// deleteIfDue looks at the account once more, right before it is gone for good: since it was listed, which may have
// taken the deletion of many others, its owner may have come back.
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
