package record

import (
	"context"
	"encoding/json"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
)

type putRecordInput struct {
	Repo       syntax.AtIdentifier `json:"repo"`
	Collection syntax.NSID         `json:"collection"`
	RecordKey  syntax.RecordKey    `json:"rkey"`
	Validate   *bool               `json:"validate,omitempty"`
	Record     json.RawMessage     `json:"record"`
	SwapRecord nullable            `json:"swapRecord,omitempty"`
	SwapCommit string              `json:"swapCommit,omitempty"`
}

// putRecord creates or updates a record. To put what is there already makes no commit.
func (s *Server) putRecord(ctx context.Context, c *xrpc.Call[putRecordInput]) (*writeOutput, error) {
	in := &c.Input
	account, err := s.Writable(ctx, in.Repo, c.Caller)
	if err != nil {
		return nil, err
	}
	swap, err := in.SwapRecord.swap()
	if err != nil {
		return nil, err
	}
	return s.writeOne(ctx, c.Caller, account.DID, in.SwapCommit, Write{
		Action: repo.Put, Collection: in.Collection, RecordKey: in.RecordKey, Value: in.Record, Validate: in.Validate, Swap: swap,
	})
}

// nullable is a CID string of which null and absence mean different things: null says that there must be no record.
type nullable struct {
	present bool
	value   *string
}

func (n *nullable) UnmarshalJSON(b []byte) error {
	n.present = true
	return json.Unmarshal(b, &n.value)
}

func (n nullable) swap() (*cid.Cid, error) {
	switch {
	case !n.present:
		return nil, nil
	case n.value == nil:
		return &cid.Undef, nil
	case *n.value == "":
		return nil, xrpc.InvalidRequest("Input/swapRecord must be a cid string")
	}
	c, err := parseCID("swapRecord", *n.value)
	return &c, err
}
