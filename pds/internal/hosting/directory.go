package hosting

import (
	"context"
	"encoding/json"

	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Directory resolves DIDs and handles. See auth/identity.Directory.
type Directory interface {
	// LookupDID resolves a DID; the answer may be hours old. Refresh asks the network for what it
	// is now.
	LookupDID(ctx context.Context, did syntax.DID) (*identity.Identity, error)
	Refresh(ctx context.Context, did syntax.DID) (*identity.Identity, error)

	// ResolveDIDRaw resolves a DID to its document; the answer may be hours old.
	ResolveDIDRaw(ctx context.Context, did syntax.DID) (json.RawMessage, error)

	// ResolveHandle resolves a handle to its DID, whatever the DID's document says.
	ResolveHandle(ctx context.Context, handle syntax.Handle) (syntax.DID, error)

	// Purge forgets what is remembered of a DID or handle.
	Purge(ctx context.Context, id syntax.AtIdentifier) error
}
