package hosting

import (
	"context"
	"errors"
	"fmt"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/storage"
)

// Local resolves the handles of the server's accounts. It doesn't resolve their DIDs: an owner may
// have moved to another server, which only the network knows. For the same reason it doesn't
// resolve a handle under another domain if the account isn't active.
type Local struct {
	Accounts storage.Accounts
	Handles  identity.HandleRules
}

var _ identity.LocalAccounts = Local{}

// LocalHandle implements identity.LocalAccounts.
func (l Local) LocalHandle(ctx context.Context, h syntax.Handle) (syntax.DID, error) {
	account, err := l.Accounts.AccountByHandle(ctx, h)
	_, own := l.Handles.Label(h)
	if errors.Is(err, storage.ErrNotFound) || err == nil && !own && account.Status() != storage.StatusActive {
		return "", fmt.Errorf("%w: %s", indigo.ErrHandleNotFound, h)
	}
	return account.DID, err
}

// LocalDID implements identity.LocalAccounts.
func (l Local) LocalDID(_ context.Context, did syntax.DID) (*indigo.Identity, error) {
	return nil, fmt.Errorf("%w: %s", indigo.ErrDIDNotFound, did)
}
