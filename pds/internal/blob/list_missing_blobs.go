package blob

import (
	"context"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type listMissingBlobsParams struct {
	Limit  int    `json:"limit,omitempty" default:"500" min:"1" max:"1000"`
	Cursor string `json:"cursor,omitempty"`
}

type listMissingBlobsOutput struct {
	Cursor string        `json:"cursor,omitempty"`
	Blobs  []missingBlob `json:"blobs"`
}

type missingBlob struct {
	CID       string `json:"cid"`
	RecordURI string `json:"recordUri"`
}

// listMissingBlobs lists what the caller's records refer to and has not been uploaded, as after an import.
func (h *Handler) listMissingBlobs(ctx context.Context, c *xrpc.Call[listMissingBlobsParams]) (*listMissingBlobsOutput, error) {
	in := &c.Input
	out := &listMissingBlobsOutput{Blobs: []missingBlob{}}
	r := storage.BlobRange{Missing: true, After: in.Cursor, Limit: in.Limit}
	for ref, err := range h.Index.ListBlobs(ctx, c.Account.DID, r) {
		if err != nil {
			return nil, err
		}
		out.Blobs = append(out.Blobs, missingBlob{
			CID:       ref.CID.String(),
			RecordURI: "at://" + c.Account.DID.String() + "/" + ref.Path,
		})
	}
	if len(out.Blobs) == in.Limit {
		out.Cursor = out.Blobs[in.Limit-1].CID
	}
	return out, nil
}
