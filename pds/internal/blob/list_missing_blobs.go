package blob

import (
	"context"

	"github.com/pdskit/pdskit/pds/xrpc"
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
func (s *Server) listMissingBlobs(ctx context.Context, c *xrpc.Call[listMissingBlobsParams]) (*listMissingBlobsOutput, error) {
	in := &c.Input
	account, err := s.Own(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	out := &listMissingBlobsOutput{Blobs: []missingBlob{}}
	for ref, err := range s.Index.ListMissingBlobs(ctx, account.DID, in.Cursor, in.Limit) {
		if err != nil {
			return nil, err
		}
		out.Blobs = append(out.Blobs, missingBlob{
			CID:       ref.CID.String(),
			RecordURI: "at://" + account.DID.String() + "/" + ref.Path,
		})
	}
	if len(out.Blobs) == in.Limit {
		out.Cursor = out.Blobs[in.Limit-1].CID
	}
	return out, nil
}
