package record

import (
	"cmp"
	"net/http"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// importRepo replaces the caller's repo by the content of a CAR. If the account isn't active, the network hears of it when
// it is activated.
func (h *Handler) importRepo() xrpc.Method {
	policy := auth.FullSession.OrApp(auth.AccountPermission("repo", "manage")).In(auth.NotTakenDown)
	return xrpc.Raw("com.atproto.repo.importRepo", policy, http.MethodPost, h.takeRepo).
		WithMaxBody(cmp.Or(h.MaxImport, -1))
}

func (h *Handler) takeRepo(_ http.ResponseWriter, c *xrpc.Call[struct{}]) error {
	if h.MaxImport < 0 {
		return xrpc.InvalidRequest("Service is not accepting repo imports")
	}
	r := c.Request
	if err := xrpc.CheckContentType(r, "application/vnd.ipld.car"); err != nil {
		return err
	}
	silent := c.Account.Status != storage.StatusActive
	_, err := h.Engine.Import(r.Context(), c.Account.DID, r.Body, repo.ImportOptions{
		Silent: silent, Guard: hosting.WhileStanding(c.Account),
	})
	if err != nil || !silent {
		return hosting.ImportError(err)
	}
	return h.Accounts.Imported(r.Context(), c.Account.DID)
}
