package sync

import (
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// Handler is what the methods need. All fields are required.
type Handler struct {
	Engine   *repo.Engine
	Repos    storage.Repos
	Accounts *hosting.Accounts
	Stream   *firehose.Stream
}

// Methods returns the methods of com.atproto.sync that are about repos.
func (h *Handler) Methods() []xrpc.Method {
	return []xrpc.Method{
		h.getRepo(),
		h.getCheckout(),
		h.getRecord(),
		h.getBlocks(),
		h.subscribeRepos(),
		xrpc.Query("com.atproto.sync.getLatestCommit", hosting.Reader, h.getLatestCommit),
		xrpc.Query("com.atproto.sync.getHead", hosting.Reader, h.getHead),
		xrpc.Query("com.atproto.sync.getRepoStatus", auth.Public, h.getRepoStatus),
		xrpc.Query("com.atproto.sync.listRepos", auth.Public, h.listRepos),
		xrpc.Query("com.atproto.sync.listReposByCollection", auth.Public, h.listReposByCollection),
	}
}

type didParams struct {
	DID syntax.DID `json:"did"`
}
