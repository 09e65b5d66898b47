package record

import (
	"context"
	"net/http"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// maxWriteBody limits the body of a request that writes records, in bytes.
const maxWriteBody = 1_000_000

// Handler is what the methods need. All fields but BeforeWrite and Elsewhere are required.
type Handler struct {
	Accounts *hosting.Accounts
	Engine   *repo.Engine
	Store    Store

	// Lexicons checks the records that are written.
	Lexicons *lexicon.Catalog

	// BeforeWrite is asked about writes that come as requests, when all else is in order: it
	// refuses by an error. Their record keys aren't "". If nil, none is refused.
	BeforeWrite func(ctx context.Context, caller auth.Caller, did syntax.DID, writes []Write) error

	// Elsewhere answers requests for records of repos that aren't here. If nil, nobody does.
	Elsewhere Elsewhere

	// MaxImport limits the body of importRepo, in bytes: 0 for no limit, negative for no imports.
	MaxImport int64

	Now func() time.Time

	keys recordKeys
}

// Store is what the methods need of a storage.Store.
type Store interface {
	storage.RepoReader
	storage.BlobIndex
}

// Elsewhere has a request answered by a service that knows other repos.
type Elsewhere interface {
	Answer(w http.ResponseWriter, r *http.Request) error
}

// Methods returns the methods of com.atproto.repo that are about records.
func (h *Handler) Methods() []xrpc.Method {
	writer := auth.Session.OrApp().In(auth.Active)
	return []xrpc.Method{
		xrpc.Procedure("com.atproto.repo.createRecord", writer, h.createRecord).WithMaxBody(maxWriteBody),
		xrpc.Procedure("com.atproto.repo.putRecord", writer, h.putRecord).WithMaxBody(maxWriteBody),
		xrpc.Procedure("com.atproto.repo.deleteRecord", writer, h.deleteRecord),
		xrpc.Procedure("com.atproto.repo.applyWrites", writer, h.applyWrites).WithMaxBody(maxWriteBody),
		h.getRecordHereOrElsewhere(),
		xrpc.Query("com.atproto.repo.listRecords", auth.Public, h.listRecords),
		xrpc.Query("com.atproto.repo.describeRepo", auth.Public, h.describeRepo),
		h.importRepo(),
	}
}
