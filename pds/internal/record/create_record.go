package record

import (
	"context"
	"encoding/json"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
)

type createRecordInput struct {
	Repo       syntax.AtIdentifier `json:"repo"`
	Collection syntax.NSID         `json:"collection"`
	RecordKey  syntax.RecordKey    `json:"rkey,omitempty"`
	Validate   *bool               `json:"validate,omitempty"`
	Record     json.RawMessage     `json:"record"`
	SwapCommit string              `json:"swapCommit,omitempty"`
}

type writeOutput struct {
	URI              string         `json:"uri"`
	CID              string         `json:"cid"`
	Commit           *commitMeta    `json:"commit,omitempty"`
	ValidationStatus lexicon.Status `json:"validationStatus,omitempty"`
}

// createRecord creates a record. One that exists already is not replaced.
func (s *Server) createRecord(ctx context.Context, c *xrpc.Call[createRecordInput]) (*writeOutput, error) {
	in := &c.Input
	account, err := s.Writable(ctx, in.Repo, c.Caller)
	if err != nil {
		return nil, err
	}
	return s.writeOne(ctx, c.Caller, account.DID, in.SwapCommit, Write{
		Action: repo.Create, Collection: in.Collection, RecordKey: in.RecordKey, Value: in.Record, Validate: in.Validate,
	})
}

func (s *Server) writeOne(
	ctx context.Context, caller auth.Caller, did syntax.DID, swapCommit string, w Write,
) (*writeOutput, error) {
	if err := permit(caller, w); err != nil {
		return nil, err
	}
	swap, err := parseCID("swapCommit", swapCommit)
	if err != nil {
		return nil, err
	}
	written, err := s.writeFor(ctx, caller, did, swap, w)
	if err != nil {
		return nil, err
	}
	return &writeOutput{
		URI:              uri(did, written.Paths[0]),
		CID:              written.Ops[0].CID.String(),
		Commit:           written.meta(),
		ValidationStatus: written.Status[0],
	}, nil
}
