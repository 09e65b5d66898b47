package blob

import (
	"context"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// Server is what the methods need. All fields but BeforeUpload are required.
type Server struct {
	Index storage.BlobIndex
	Bytes storage.Blobs

	// Readable finds the account behind a handle or DID if the caller may read its repo; otherwise it returns an
	// *xrpc.Error that says why not.
	Readable func(ctx context.Context, id syntax.AtIdentifier, caller auth.Caller) (storage.Account, error)

	// Own finds the caller's own account, active or not.
	Own func(ctx context.Context, caller auth.Caller) (storage.Account, error)

	// BeforeUpload is asked about an upload that comes as a request, before its bytes are read: it refuses by an error.
	// The size is -1 if it isn't known. If nil, none is refused.
	BeforeUpload func(ctx context.Context, caller auth.Caller, contentType string, size int64) error

	MaxUpload    int64         // in bytes
	TemporaryFor time.Duration // how long an upload waits for a record to refer to it
	Now          func() time.Time
}

// reader may read what is public, and the caller's own account and the operator what isn't: see Server.Readable. A
// caller whose own account is gone may still read those of others.
var reader = auth.Session.OrTakendown().Or(auth.Admin).OrApp().Optional().Unasked()

// Methods returns the methods of com.atproto.repo and com.atproto.sync that are about blobs.
func (s *Server) Methods() []xrpc.Method {
	return []xrpc.Method{
		s.uploadBlob(),
		s.getBlob(),
		xrpc.Query("com.atproto.sync.listBlobs", reader, s.listBlobs),
		xrpc.Query("com.atproto.repo.listMissingBlobs", auth.Session.OrApp().In(auth.NotTakenDown), s.listMissingBlobs),
	}
}
