package sync

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// Server is what the methods need. All fields are required.
type Server struct {
	Engine   *repo.Engine
	Repos    storage.Repos
	Accounts storage.Accounts
	Stream   *firehose.Stream

	// Readable finds the account behind a handle or DID if the caller may read its repo; otherwise it returns an
	// *xrpc.Error that says why not.
	Readable func(ctx context.Context, id syntax.AtIdentifier, caller auth.Caller) (storage.Account, error)
}

// reader may read what is public, and the caller's own account and the operator what isn't: see Server.Readable. A
// caller whose own account is gone may still read those of others.
var reader = auth.Session.OrTakendown().Or(auth.Admin).OrApp().Optional().Unasked()

// Methods returns the methods of com.atproto.sync that are about repos.
func (s *Server) Methods() []xrpc.Method {
	return []xrpc.Method{
		s.getRepo(),
		s.getCheckout(),
		s.getRecord(),
		s.getBlocks(),
		s.subscribeRepos(),
		xrpc.Query("com.atproto.sync.getLatestCommit", reader, s.getLatestCommit),
		xrpc.Query("com.atproto.sync.getHead", reader, s.getHead),
		xrpc.Query("com.atproto.sync.getRepoStatus", auth.Public, s.getRepoStatus),
		xrpc.Query("com.atproto.sync.listRepos", auth.Public, s.listRepos),
		xrpc.Query("com.atproto.sync.listReposByCollection", auth.Public, s.listReposByCollection),
	}
}

type didParams struct {
	DID syntax.DID `json:"did"`
}
