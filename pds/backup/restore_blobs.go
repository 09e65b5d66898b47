package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// blobs restores the blobs that the records of an account refer to.
func (r *restorer) blobs(ctx context.Context, man manifest) error {
	c, done, err := r.open(ctx, man)
	if err != nil {
		return err
	}
	defer done()
	for row, err := range c.Rows() {
		if err != nil {
			return err
		}
		if row.Record == nil || len(row.Record.Blobs) == 0 {
			continue
		}
		blobs, err := data.Blobs(row.Record.Bytes)
		if err != nil {
			return fmt.Errorf("backup: record %s: %w", row.Record.Path, err)
		}
		for _, b := range blobs {
			if err := r.blob(ctx, man.DID, b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *restorer) blob(ctx context.Context, did syntax.DID, ref atdata.Blob) error {
	c := ref.Ref.CID()
	switch _, err := r.Store.Blob(ctx, did, c); {
	case err == nil:
		return nil // another record refers to it as well
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	in, err := r.From.Open(ctx, blobObject(did, c))
	if isNotExist(err) {
		return nil // the source hadn't got it
	}
	if err != nil {
		return err
	}
	defer in.Close()
	size, err := r.putBlob(ctx, did, c, in)
	if err != nil {
		return err
	}
	r.done.Blobs++
	return r.register(ctx, storage.Blob{
		DID: did, CID: c, Size: size, MIMEType: cmp.Or(ref.MimeType, "application/octet-stream"), CreatedAt: r.Now(),
	})
}

// register stores what is known of a blob. If an earlier try has deleted the account again, its
// blobs are still queued for deletion, and register takes this one out of the queue.
func (r *restorer) register(ctx context.Context, b storage.Blob) error {
	err := r.Store.PutBlob(ctx, b, nil)
	if !errors.Is(err, storage.ErrConflict) {
		return err
	}
	if err := r.Store.RemoveBlob(ctx, storage.BlobID{DID: b.DID, CID: b.CID}); err != nil {
		return err
	}
	return r.Store.PutBlob(ctx, b, nil)
}

func (r *restorer) putBlob(ctx context.Context, did syntax.DID, c cid.Cid, in io.Reader) (int64, error) {
	_, size, err := r.Blobs.Put(ctx, did, newBlobReader(in, c))
	return size, err
}
