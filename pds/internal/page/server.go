package page

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// Server is what the pages need. All fields are required.
type Server struct {
	Accounts storage.Accounts

	// Healthy fails if the store doesn't answer.
	Healthy func(ctx context.Context) error

	DID       syntax.DID // of the server
	PublicURL string
	Version   string
	Logger    *slog.Logger
}

// Mount registers what a server serves wherever it is mounted.
func (s *Server) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /xrpc/_health", s.health)
	mux.HandleFunc("GET /.well-known/atproto-did", s.atprotoDID)
	mux.HandleFunc("GET /.well-known/did.json", s.didDocument)
}

// MountSite registers what only a server that has a host to itself serves.
func (s *Server) MountSite(mux *http.ServeMux) {
	mux.HandleFunc("GET /robots.txt", s.robots)
	mux.HandleFunc("GET /{$}", s.landing)
}
