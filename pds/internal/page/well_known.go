package page

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// atprotoDID proves the handle that is the request's host.
//
// Spec: https://atproto.com/specs/handle#handle-resolution
func (h *Handler) atprotoDID(w http.ResponseWriter, r *http.Request) {
	host := strings.ToLower(r.Host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	account, err := h.Accounts.Store.AccountByHandle(r.Context(), syntax.Handle(host))
	if errors.Is(err, storage.ErrNotFound) {
		http.Error(w, "User not found", http.StatusNotFound)
		return
	}
	if err != nil {
		h.Logger.ErrorContext(r.Context(), "page: looking up a handle failed", "err", err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Write([]byte(account.DID))
}

type serverDocument struct {
	Context []string              `json:"@context"`
	ID      syntax.DID            `json:"id"`
	Service []identity.DocService `json:"service"`
}

// didDocument is the server's own, if its DID is a did:web of this host.
func (h *Handler) didDocument(w http.ResponseWriter, r *http.Request) {
	if h.DID.Method() != "web" {
		http.NotFound(w, r)
		return
	}
	writeJSON(w, http.StatusOK, serverDocument{
		Context: []string{"https://www.w3.org/ns/did/v1"},
		ID:      h.DID,
		Service: []identity.DocService{{
			ID: "#atproto_pds", Type: "AtprotoPersonalDataServer", ServiceEndpoint: h.PublicURL,
		}},
	})
}
