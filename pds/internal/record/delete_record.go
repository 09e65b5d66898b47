package record

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
)

type deleteRecordInput struct {
	Repo       syntax.AtIdentifier `json:"repo"`
	Collection syntax.NSID         `json:"collection"`
	RecordKey  syntax.RecordKey    `json:"rkey"`
	SwapRecord string              `json:"swapRecord,omitempty"`
	SwapCommit string              `json:"swapCommit,omitempty"`
}

type deleteRecordOutput struct {
	Commit *commitMeta `json:"commit,omitempty"`
}

// deleteRecord deletes a record. To delete what isn't there makes no commit, and is no error.
func (s *Server) deleteRecord(ctx context.Context, c *xrpc.Call[deleteRecordInput]) (*deleteRecordOutput, error) {
	in := &c.Input
	account, err := s.Writable(ctx, in.Repo, c.Caller)
	if err != nil {
		return nil, err
	}
	w := Write{Action: repo.Delete, Collection: in.Collection, RecordKey: in.RecordKey}
	if err := permit(c.Caller, w); err != nil {
		return nil, err
	}
	if in.SwapRecord != "" {
		swap, err := parseCID("swapRecord", in.SwapRecord)
		if err != nil {
			return nil, err
		}
		w.Swap = &swap
	}
	swapCommit, err := parseCID("swapCommit", in.SwapCommit)
	if err != nil {
		return nil, err
	}
	written, err := s.writeFor(ctx, c.Caller, account.DID, swapCommit, w)
	if err != nil {
		return nil, err
	}
	return &deleteRecordOutput{Commit: written.meta()}, nil
}
