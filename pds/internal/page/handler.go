package page

import (
	"log/slog"
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/pds/internal/hosting"
)

// Handler is what the pages need. All fields are required.
type Handler struct {
	Accounts *hosting.Accounts

	DID       syntax.DID // of the server
	PublicURL string
	Version   string
	Logger    *slog.Logger
}

// Mount registers what a server serves wherever it is mounted.
func (h *Handler) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /xrpc/_health", h.health)
	mux.HandleFunc("GET /.well-known/atproto-did", h.atprotoDID)
	mux.HandleFunc("GET /.well-known/did.json", h.didDocument)
}

// MountSite registers what only a server that has a host to itself serves.
func (h *Handler) MountSite(mux *http.ServeMux) {
	mux.HandleFunc("GET /robots.txt", h.robots)
	mux.HandleFunc("GET /{$}", h.landing)
}
