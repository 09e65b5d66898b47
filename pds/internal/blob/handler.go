package blob

import (
	"context"
	"time"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// Handler is what the methods need. All fields but BeforeUpload are required.
type Handler struct {
	Accounts *hosting.Accounts
	Index    storage.BlobIndex
	Bytes    storage.Blobs

	// BeforeUpload is asked about an upload that comes as a request, before its bytes are read: it refuses by an error.
	// The size is -1 if it isn't known. If nil, none is refused.
	BeforeUpload func(ctx context.Context, caller auth.Caller, contentType string, size int64) error

	MaxUpload    int64         // in bytes
	TemporaryFor time.Duration // how long an upload waits for a record to refer to it
	Now          func() time.Time
}

// Methods returns the methods of com.atproto.repo and com.atproto.sync that are about blobs.
func (h *Handler) Methods() []xrpc.Method {
	return []xrpc.Method{
		h.uploadBlob(),
		h.getBlob(),
		xrpc.Query("com.atproto.sync.listBlobs", hosting.Reader, h.listBlobs),
		xrpc.Query("com.atproto.repo.listMissingBlobs", auth.Session.OrApp().In(auth.NotTakenDown), h.listMissingBlobs),
	}
}
