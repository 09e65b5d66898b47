package sync

import (
	"context"
	"io"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
)

type getRepoParams struct {
	DID   syntax.DID `json:"did"`
	Since syntax.TID `json:"since,omitempty"`
}

// getRepo exports a repo, or what is new in it since a rev.
func (h *Handler) getRepo() xrpc.Method {
	return carMethod(h, "com.atproto.sync.getRepo", func(in *getRepoParams) syntax.DID { return in.DID },
		func(ctx context.Context, in *getRepoParams, w io.Writer) error {
			return h.Engine.Export(ctx, in.DID, in.Since, w)
		})
}

// getCheckout is the deprecated name of getRepo without since.
func (h *Handler) getCheckout() xrpc.Method {
	return carMethod(h, "com.atproto.sync.getCheckout", func(in *didParams) syntax.DID { return in.DID },
		func(ctx context.Context, in *didParams, w io.Writer) error {
			return h.Engine.Export(ctx, in.DID, "", w)
		})
}
