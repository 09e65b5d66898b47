package blob

import (
	"errors"
	"net/http"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type getBlobParams struct {
	DID syntax.DID `json:"did"`
	CID cid.Cid    `json:"cid"`
}

// getBlob serves a blob's bytes, whole or by Range.
func (h *Handler) getBlob() xrpc.Method {
	return xrpc.Raw("com.atproto.sync.getBlob", hosting.Reader, http.MethodGet, h.serveBlob)
}

func (h *Handler) serveBlob(w http.ResponseWriter, c *xrpc.Call[getBlobParams]) error {
	in, r, caller := &c.Input, c.Request, c.Caller
	if _, err := h.Accounts.Readable(r.Context(), in.DID.AtIdentifier(), caller); err != nil {
		return err
	}
	notFound := xrpc.Errorf("BlobNotFound", "Blob not found")
	b, err := h.Index.Blob(r.Context(), in.DID, in.CID)
	visible := b.TakedownRef == "" && (b.Referenced || caller.DID == in.DID) || caller.Kind == auth.KindAdmin
	if errors.Is(err, storage.ErrNotFound) || err == nil && !visible {
		return notFound
	}
	if err != nil {
		return err
	}
	bytes, err := h.Bytes.Open(r.Context(), storage.BlobID{DID: in.DID, CID: in.CID})
	if errors.Is(err, storage.ErrNotFound) {
		return notFound
	}
	if err != nil {
		return err
	}
	defer bytes.Close()
	setHeaders(w.Header(), b, caller.Kind == auth.KindAnonymous)
	http.ServeContent(w, r, "", time.Time{}, bytes)
	return nil
}

// setHeaders keeps browsers from doing anything with a blob but show it where it is embedded: it may be a stranger's
// HTML, under the server's own origin. Caches that others share keep it only if anybody may see it, and not what the
// owner of an inactive account, or the operator, is shown.
func setHeaders(h http.Header, b storage.Blob, anybody bool) {
	h.Set("Content-Type", b.MIMEType)
	h.Set("Content-Disposition", `attachment; filename="`+b.CID.String()+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", `"`+b.CID.String()+`"`)
	if anybody {
		h.Set("Cache-Control", "public, max-age=86400, immutable")
	} else {
		h.Set("Cache-Control", "private, no-store")
	}
}
