package admin

import (
	"context"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// Server is what the methods need. All fields are required.
type Server struct {
	Accounts storage.Accounts
	Repos    storage.Repos
	Blobs    storage.BlobIndex

	// SetStatus changes an account in a way that may change its status, and tells the network; announce says to do so
	// even if the status stays.
	SetStatus func(ctx context.Context, did syntax.DID, announce bool, change func(*storage.Account)) error

	// EndSessions ends all sessions of an account.
	EndSessions func(ctx context.Context, did syntax.DID) error

	// DeleteAccount removes an account with all that belongs to it, and tells the network.
	DeleteAccount func(ctx context.Context, did syntax.DID) error

	Now func() time.Time
}

// Methods returns the methods of com.atproto.admin.
func (s *Server) Methods() []xrpc.Method {
	return []xrpc.Method{
		xrpc.Procedure("com.atproto.admin.updateSubjectStatus", auth.Admin.Or(auth.Moderator), s.updateSubjectStatus),
		xrpc.Query("com.atproto.admin.getSubjectStatus", auth.Admin.Or(auth.Moderator), s.getSubjectStatus),
		xrpc.Procedure("com.atproto.admin.deleteAccount", auth.Admin, s.deleteAccount),
	}
}
