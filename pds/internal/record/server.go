package record

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// maxWriteBody limits the body of a request that writes records, in bytes.
const maxWriteBody = 1_000_000

// Server is what the methods need. All fields but BeforeWrite and Elsewhere are required.
type Server struct {
	Engine  *repo.Engine
	Records storage.RepoReader

	// Lexicons checks the records that are written.
	Lexicons *lexicon.Catalog

	// Blob finds an uploaded blob; storage.ErrNotFound if there is none.
	Blob func(ctx context.Context, did syntax.DID, c cid.Cid) (storage.Blob, error)

	// Readable finds the account behind a handle or DID if the caller may read its repo; otherwise it returns an
	// *xrpc.Error that says why not.
	Readable func(ctx context.Context, id syntax.AtIdentifier, caller auth.Caller) (storage.Account, error)

	// Writable finds the caller's own account if it may be written to, and id names it.
	Writable func(ctx context.Context, id syntax.AtIdentifier, caller auth.Caller) (storage.Account, error)

	// Own finds the caller's own account, active or not, unless it is taken down.
	Own func(ctx context.Context, caller auth.Caller) (storage.Account, error)

	// BeforeWrite is asked about writes that come as requests, when all else is in order: it refuses by an error. Their
	// record keys aren't "". If nil, none is refused.
	BeforeWrite func(ctx context.Context, caller auth.Caller, did syntax.DID, writes []Write) error

	// Elsewhere has a request for a record answered by a service that knows other repos. If nil, there is none.
	Elsewhere func(w http.ResponseWriter, r *http.Request) error

	// ImportedSilently is told of an import without an event, since the account wasn't active when it began.
	ImportedSilently func(ctx context.Context, did syntax.DID) error

	// Document resolves a DID to its document.
	Document func(ctx context.Context, did syntax.DID) (json.RawMessage, error)

	// MaxImport limits the body of importRepo, in bytes: 0 for no limit, negative for no imports.
	MaxImport int64

	Now func() time.Time

	keys recordKeys
}

// Methods returns the methods of com.atproto.repo that are about records.
func (s *Server) Methods() []xrpc.Method {
	writer := auth.Session.OrApp().In(auth.Active)
	return []xrpc.Method{
		xrpc.Procedure("com.atproto.repo.createRecord", writer, s.createRecord).WithMaxBody(maxWriteBody),
		xrpc.Procedure("com.atproto.repo.putRecord", writer, s.putRecord).WithMaxBody(maxWriteBody),
		xrpc.Procedure("com.atproto.repo.deleteRecord", writer, s.deleteRecord),
		xrpc.Procedure("com.atproto.repo.applyWrites", writer, s.applyWrites).WithMaxBody(maxWriteBody),
		s.getRecordHereOrElsewhere(),
		xrpc.Query("com.atproto.repo.listRecords", auth.Public, s.listRecords),
		xrpc.Query("com.atproto.repo.describeRepo", auth.Public, s.describeRepo),
		s.importRepo(),
	}
}
