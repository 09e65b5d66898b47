package pds

import (
	"context"
	"errors"
	"fmt"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/storage"
)

// localAccounts answers for the handles of the server's own accounts. What their DIDs say, only the network knows: the
// owner may have moved elsewhere. So it does of handles that others give, to accounts that aren't active.
type localAccounts struct {
	accounts storage.Accounts
	handles  identity.HandleRules
}

// LocalHandle implements identity.LocalAccounts.
func (l localAccounts) LocalHandle(ctx context.Context, h syntax.Handle) (syntax.DID, error) {
	account, err := l.accounts.AccountByHandle(ctx, h)
	_, own := l.handles.Label(h)
	if errors.Is(err, storage.ErrNotFound) || err == nil && !own && account.Status() != storage.StatusActive {
		return "", fmt.Errorf("%w: %s", indigo.ErrHandleNotFound, h)
	}
	return account.DID, err
}

// LocalDID implements identity.LocalAccounts.
func (l localAccounts) LocalDID(_ context.Context, did syntax.DID) (*indigo.Identity, error) {
	return nil, fmt.Errorf("%w: %s", indigo.ErrDIDNotFound, did)
}
