package admin

import (
	"time"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// Handler is what the methods need. All fields are required.
type Handler struct {
	Accounts *hosting.Accounts
	Sessions *session.Issuer
	Store    Store
	Now      func() time.Time
}

// Store is what the methods need of a storage.Store.
type Store interface {
	storage.Accounts
	storage.RepoReader
	storage.BlobIndex
	storage.Takedowns
}

// Methods returns the methods of com.atproto.admin.
func (h *Handler) Methods() []xrpc.Method {
	return []xrpc.Method{
		xrpc.Procedure("com.atproto.admin.updateSubjectStatus", auth.Admin.Or(auth.Moderator), h.updateSubjectStatus),
		xrpc.Query("com.atproto.admin.getSubjectStatus", auth.Admin.Or(auth.Moderator), h.getSubjectStatus),
		xrpc.Procedure("com.atproto.admin.deleteAccount", auth.Admin, h.deleteAccount),
	}
}
