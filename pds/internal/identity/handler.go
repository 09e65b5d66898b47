package identity

import (
	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// Handler is what the methods need. All fields are required.
type Handler struct {
	Accounts  *hosting.Accounts
	Registrar identity.Registrar
}

// Methods returns the methods of com.atproto.identity.
func (h *Handler) Methods() []xrpc.Method {
	return []xrpc.Method{
		xrpc.Query("com.atproto.identity.resolveHandle", auth.Public, h.resolveHandle),
		xrpc.Procedure("com.atproto.identity.updateHandle",
			auth.FullSession.OrApp(auth.IdentityPermission("handle")).In(auth.NotTakenDown), h.updateHandle),
	}
}
