package pds

import (
	"context"
	"io"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// PutBlob stores what content yields as a blob, and returns what a record refers to it by. Its type is told by its first
// bytes or, if these don't, is contentType. Until a record refers to it, it is temporary; see
// [Config.KeepTemporaryBlobs]. Its size has no limit but that of content. An error of content is returned as it is or
// wrapped, and nothing is stored; errors of the caller's making are an *xrpc.Error. Error: storage.ErrNotFound if there is no
// such account.
func (r Repo) PutBlob(ctx context.Context, contentType string, content io.Reader) (atdata.Blob, error) {
	if _, err := r.server.store.Account(ctx, r.did); err != nil {
		return atdata.Blob{}, err
	}
	b, err := r.server.blobs.Store(ctx, r.did, nil, contentType, content)
	if err != nil {
		return atdata.Blob{}, err
	}
	return atdata.Blob{Ref: atdata.CIDLink(b.CID), MimeType: b.MIMEType, Size: b.Size}, nil
}

// OpenBlob opens a blob of the account, temporary or taken down as it may be, for reading; the caller closes it. Error: storage.ErrNotFound.
func (r Repo) OpenBlob(ctx context.Context, c cid.Cid) (io.ReadSeekCloser, error) {
	return r.server.blobs.Bytes.Open(ctx, storage.BlobID{DID: r.did, CID: c})
}
