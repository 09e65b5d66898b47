package blob

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/gabriel-vasile/mimetype"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// sniffLen is how many bytes of a blob its type is told by.
const sniffLen = 3072

type uploadBlobOutput struct {
	Blob atdata.Blob `json:"blob"`
}

// uploadBlob stores the request's body as a blob, on its way through.
func (h *Handler) uploadBlob() xrpc.Method {
	policy := auth.Session.Or(auth.Service).OrApp().In(auth.NotTakenDown)
	return xrpc.Raw("com.atproto.repo.uploadBlob", policy, http.MethodPost, h.takeBlob).
		WithMaxBody(h.MaxUpload)
}

func (h *Handler) takeBlob(w http.ResponseWriter, c *xrpc.Call[struct{}]) error {
	r, contentType := c.Request, c.Request.Header.Get("Content-Type")
	if err := xrpc.CheckContentType(r, "*/*"); err != nil {
		return err
	}
	if err := c.Caller.May(auth.BlobPermission(contentType)); err != nil {
		return err
	}
	if h.BeforeUpload != nil {
		if err := h.BeforeUpload(r.Context(), c.Caller, contentType, r.ContentLength); err != nil {
			return err
		}
	}
	b, err := h.Store(r.Context(), c.Account.DID, hosting.WhileStanding(c.Account), contentType, r.Body)
	if errors.Is(err, storage.ErrNotFound) {
		err = auth.ErrAccountNotFound
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	return json.NewEncoder(w).Encode(uploadBlobOutput{
		Blob: atdata.Blob{Ref: atdata.CIDLink(b.CID), MimeType: b.MIMEType, Size: b.Size},
	})
}

// Store stores the bytes, then their row, and then looks whether the bytes are still there: a
// removal of the same blob may just have been under way. The guard is on the account; nil for none.
// Errors: those of the caller's making are *xrpc.Error; storage.ErrGuard; storage.ErrNotFound if
// there is no such account.
func (h *Handler) Store(
	ctx context.Context, did syntax.DID, guard *storage.Guard, contentType string, body io.Reader,
) (storage.Blob, error) {
	mimeType, body, err := sniff(contentType, body)
	if err != nil {
		return storage.Blob{}, err
	}
	c, size, err := h.Bytes.Put(ctx, did, body)
	if err != nil {
		return storage.Blob{}, err
	}
	ctx = context.WithoutCancel(ctx) // a client that leaves now must not leave bytes behind that no row tells of
	if err := h.checkTakedown(ctx, did, c); err != nil {
		return storage.Blob{}, err
	}
	b := storage.Blob{DID: did, CID: c, Size: size, MIMEType: mimeType, CreatedAt: h.Now()}
	if err := h.index(ctx, b, guard); err != nil {
		return storage.Blob{}, err
	}
	stored, err := h.Bytes.Open(ctx, storage.BlobID{DID: did, CID: c})
	if errors.Is(err, storage.ErrNotFound) {
		err = errRemoved
	}
	if err != nil {
		return storage.Blob{}, err
	}
	stored.Close()
	// A blob that a record refers to keeps the type that the record names.
	b, err = h.Index.Blob(ctx, did, c)
	if errors.Is(err, storage.ErrNotFound) {
		err = errRemoved
	}
	return b, err
}

var errRemoved = xrpc.StatusError(
	http.StatusServiceUnavailable, "This blob was just being removed, please upload it again")

// index stores the row of a blob whose bytes are stored already. If the row is refused, the bytes
// are removed, at once or by a later Sweep. Errors: errRemoved, storage.ErrGuard,
// storage.ErrNotFound.
func (h *Handler) index(ctx context.Context, b storage.Blob, guard *storage.Guard) error {
	err := h.Index.PutBlob(ctx, b, guard)
	switch {
	case errors.Is(err, storage.ErrConflict):
		return errRemoved
	case errors.Is(err, storage.ErrGuard): // Sweep finds the temporary blob by its row
		return cmp.Or(h.index(ctx, b, nil), err)
	case errors.Is(err, storage.ErrNotFound): // the account was deleted, with the rows of its blobs
		return cmp.Or(h.Bytes.Delete(ctx, storage.BlobID{DID: b.DID, CID: b.CID}), err)
	}
	return err
}

func (h *Handler) checkTakedown(ctx context.Context, did syntax.DID, c cid.Cid) error {
	b, err := h.Index.Blob(ctx, did, c)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err == nil && b.TakedownRef != "" {
		return xrpc.InvalidRequest("Blob has been takendown, cannot re-upload")
	}
	return err
}

// sniff tells a blob's type by its first bytes, or if they're of no known binary format, by what
// the client says.
func sniff(contentType string, body io.Reader) (string, io.Reader, error) {
	first := make([]byte, sniffLen)
	n, err := io.ReadFull(body, first)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", nil, err
	}
	first = first[:n]
	body = io.MultiReader(bytes.NewReader(first), body) // if it broke off, reading on tells
	if t := mimetype.Detect(first); !isGuess(t) {
		contentType = t.String()
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		mediaType = "application/octet-stream"
	}
	return mediaType, body, nil
}

// isGuess reports whether t says no more than that the bytes are some bytes, or some text.
func isGuess(t *mimetype.MIME) bool {
	if t.Is("application/octet-stream") {
		return true
	}
	for ; t != nil; t = t.Parent() {
		if t.Is("text/plain") {
			return true
		}
	}
	return false
}
