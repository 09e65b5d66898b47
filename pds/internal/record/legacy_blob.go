package record

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// upgradeBlobs gives the pictures of a profile that is put in the place of another the form that blobs have now: clients
// send them back as they got them, and the profile of an old account couldn't be changed otherwise. Nowhere else are
// blobs of the old form, without a size, allowed.
func (s *Server) upgradeBlobs(ctx context.Context, did syntax.DID, w *Write, profile map[string]any) error {
	if w.Action != repo.Put || w.Collection != "app.bsky.actor.profile" {
		return nil
	}
	for _, property := range []string{"avatar", "banner"} {
		blob, ok := profile[property].(atdata.Blob)
		if !ok || blob.Size >= 0 {
			continue
		}
		_, err := s.Records.Record(ctx, did, w.Collection.String()+"/"+w.RecordKey.String())
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		c := cid.Cid(blob.Ref)
		stored, err := s.Blob(ctx, did, c)
		if errors.Is(err, storage.ErrNotFound) {
			return blobNotFound(c)
		}
		if err != nil {
			return err
		}
		blob.Size = stored.Size
		profile[property] = blob
	}
	return nil
}

func blobNotFound(c cid.Cid) error { return xrpc.Errorf("BlobNotFound", "Could not find blob: %s", c) }
