package blob

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type listBlobsParams struct {
	DID    syntax.DID `json:"did"`
	Since  syntax.TID `json:"since,omitempty"`
	Limit  int        `json:"limit,omitempty" default:"500" min:"1" max:"1000"`
	Cursor string     `json:"cursor,omitempty"`
}

type listBlobsOutput struct {
	Cursor string   `json:"cursor,omitempty"`
	CIDs   []string `json:"cids"`
}

func (h *Handler) listBlobs(ctx context.Context, c *xrpc.Call[listBlobsParams]) (*listBlobsOutput, error) {
	in := &c.Input
	if _, err := h.Accounts.Readable(ctx, in.DID.AtIdentifier(), c.Caller); err != nil {
		return nil, err
	}
	out := &listBlobsOutput{CIDs: []string{}}
	r := storage.BlobRange{Since: in.Since, After: in.Cursor, Limit: in.Limit}
	for b, err := range h.Index.ListBlobs(ctx, in.DID, r) {
		if err != nil {
			return nil, err
		}
		out.CIDs = append(out.CIDs, b.CID.String())
	}
	if len(out.CIDs) == in.Limit {
		out.Cursor = out.CIDs[in.Limit-1]
	}
	return out, nil
}
