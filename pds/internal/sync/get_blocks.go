package sync

import (
	"context"
	"io"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/pds/xrpc"
)

type getBlocksParams struct {
	DID  syntax.DID `json:"did"`
	CIDs []cid.Cid  `json:"cids"`
}

// maxBlocks bounds what one request can ask for.
const maxBlocks = 1000

// getBlocks returns blocks by their CIDs.
func (h *Handler) getBlocks() xrpc.Method {
	return carMethod(h, "com.atproto.sync.getBlocks", func(in *getBlocksParams) syntax.DID { return in.DID },
		func(ctx context.Context, in *getBlocksParams, w io.Writer) error {
			if len(in.CIDs) > maxBlocks {
				return xrpc.InvalidRequest("Error: Param \"cids\" must have at most %d elements", maxBlocks)
			}
			return h.Engine.Blocks(ctx, in.DID, in.CIDs, w)
		})
}
