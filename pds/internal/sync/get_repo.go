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
func (s *Server) getRepo() xrpc.Method {
	return carMethod(s, "com.atproto.sync.getRepo", func(in *getRepoParams) syntax.DID { return in.DID },
		func(ctx context.Context, in *getRepoParams, w io.Writer) error {
			return s.Engine.Export(ctx, in.DID, in.Since, w)
		})
}

// getCheckout is the deprecated name of getRepo without since.
func (s *Server) getCheckout() xrpc.Method {
	return carMethod(s, "com.atproto.sync.getCheckout", func(in *didParams) syntax.DID { return in.DID },
		func(ctx context.Context, in *didParams, w io.Writer) error {
			return s.Engine.Export(ctx, in.DID, "", w)
		})
}
