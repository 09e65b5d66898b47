package sync

import (
	"context"
	"io"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
)

type getRecordParams struct {
	DID        syntax.DID       `json:"did"`
	Collection syntax.NSID      `json:"collection"`
	RecordKey  syntax.RecordKey `json:"rkey"`
}

// getRecord proves that a record is in the repo, or that it isn't.
func (s *Server) getRecord() xrpc.Method {
	return carMethod(s, "com.atproto.sync.getRecord", func(in *getRecordParams) syntax.DID { return in.DID },
		func(ctx context.Context, in *getRecordParams, w io.Writer) error {
			return s.Engine.RecordProof(ctx, in.DID, in.Collection.String()+"/"+in.RecordKey.String(), w)
		})
}
