package identity

import (
	"context"
	"time"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// Server is what the methods need. All fields but HandleAllowed are required.
type Server struct {
	Accounts  storage.Accounts
	Registrar identity.Registrar
	Handles   identity.HandleRules

	// ResolveHandle resolves a handle that isn't this server's.
	ResolveHandle func(ctx context.Context, handle syntax.Handle) (syntax.DID, error)

	// Refresh resolves a DID as the network knows it now; Purge forgets what is remembered of one.
	Refresh func(ctx context.Context, did syntax.DID) (*indigo.Identity, error)
	Purge   func(ctx context.Context, id syntax.AtIdentifier) error

	// Own finds the caller's own account, active or not, unless it is taken down.
	Own func(ctx context.Context, caller auth.Caller) (storage.Account, error)

	// ClaimHandle keeps everybody else from a handle until release is called.
	ClaimHandle func(ctx context.Context, handle syntax.Handle, did syntax.DID) (release func(), err error)

	// HandleAllowed is asked about a handle that keeps all other rules: it refuses by an error. If nil, none is refused.
	HandleAllowed func(ctx context.Context, h syntax.Handle) error

	Now func() time.Time
}

// Methods returns the methods of com.atproto.identity.
func (s *Server) Methods() []xrpc.Method {
	return []xrpc.Method{
		xrpc.Query("com.atproto.identity.resolveHandle", auth.Public, s.resolveHandle),
		xrpc.Procedure("com.atproto.identity.updateHandle",
			auth.FullSession.OrApp(auth.IdentityPermission("handle")).In(auth.NotTakenDown), s.updateHandle),
	}
}
