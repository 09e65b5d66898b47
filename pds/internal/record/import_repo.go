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
func (s *Server) importRepo() xrpc.Method {
	policy := auth.FullSession.OrApp(auth.AccountPermission("repo", "manage")).In(auth.NotTakenDown)
	return xrpc.Raw("com.atproto.repo.importRepo", policy, http.MethodPost, s.takeRepo).
		WithMaxBody(cmp.Or(s.MaxImport, -1))
}

func (s *Server) takeRepo(_ http.ResponseWriter, c *xrpc.Call[struct{}]) error {
	if s.MaxImport < 0 {
		return xrpc.InvalidRequest("Service is not accepting repo imports")
	}
	r := c.Request
	if err := xrpc.CheckContentType(r, "application/vnd.ipld.car"); err != nil {
		return err
	}
	account, err := s.Own(r.Context(), c.Caller)
	if err != nil {
		return err
	}
	silent := account.Status() != storage.StatusActive
	_, err = s.Engine.Import(r.Context(), account.DID, r.Body, repo.ImportOptions{Silent: silent})
	if err != nil || !silent {
		return hosting.ImportError(err)
	}
	return s.ImportedSilently(r.Context(), account.DID)
}
