package identity

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// Server is what the methods need. All fields are required.
type Server struct {
	Accounts      storage.Accounts
	HandleDomains []string // each begins with a dot

	// ResolveHandle resolves a handle that isn't this server's.
	ResolveHandle func(ctx context.Context, handle syntax.Handle) (syntax.DID, error)
}

// Methods returns the methods of com.atproto.identity.
func (s *Server) Methods() []xrpc.Method {
	return []xrpc.Method{
		xrpc.Query("com.atproto.identity.resolveHandle", auth.Public, s.resolveHandle),
	}
}
