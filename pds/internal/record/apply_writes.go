package record

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
)

type applyWritesInput struct {
	Repo       syntax.AtIdentifier `json:"repo"`
	Validate   *bool               `json:"validate,omitempty"`
	Writes     []writeInput        `json:"writes"`
	SwapCommit string              `json:"swapCommit,omitempty"`
}

type writeInput struct {
	Type       string           `json:"$type"`
	Collection syntax.NSID      `json:"collection"`
	RecordKey  syntax.RecordKey `json:"rkey"`
	Value      json.RawMessage  `json:"value"`
}

type applyWritesOutput struct {
	Commit  *commitMeta   `json:"commit,omitempty"`
	Results []writeResult `json:"results"`
}

type writeResult struct {
	Type             string         `json:"$type"`
	URI              string         `json:"uri,omitempty"`
	CID              string         `json:"cid,omitempty"`
	ValidationStatus lexicon.Status `json:"validationStatus,omitempty"`
}

var writeActions = map[string]repo.Action{
	"com.atproto.repo.applyWrites#create": repo.Create,
	"com.atproto.repo.applyWrites#update": repo.Update,
	"com.atproto.repo.applyWrites#delete": repo.Delete,
}

// applyWrites makes one commit of up to 200 writes.
func (s *Server) applyWrites(ctx context.Context, c *xrpc.Call[applyWritesInput]) (*applyWritesOutput, error) {
	in := &c.Input
	account, err := s.Writable(ctx, in.Repo, c.Caller)
	if err != nil {
		return nil, err
	}
	swapCommit, err := parseCID("swapCommit", in.SwapCommit)
	if err != nil {
		return nil, err
	}
	writes := make([]Write, len(in.Writes))
	for i := range in.Writes {
		if writes[i], err = in.Writes[i].write("Input/writes/" + strconv.Itoa(i)); err != nil {
			return nil, err
		}
		writes[i].Validate = in.Validate
	}
	if err := permit(c.Caller, writes...); err != nil {
		return nil, err
	}
	written, err := s.writeFor(ctx, c.Caller, account.DID, swapCommit, writes...)
	if err != nil {
		return nil, err
	}
	out := &applyWritesOutput{Commit: written.meta(), Results: make([]writeResult, len(writes))}
	for i, w := range writes {
		out.Results[i] = writeResult{Type: in.Writes[i].Type + "Result", ValidationStatus: written.Status[i]}
		if w.Action != repo.Delete {
			out.Results[i].URI = uri(account.DID, written.Paths[i])
			out.Results[i].CID = written.Ops[i].CID.String()
		}
	}
	return out, nil
}

// write checks the form of a write; at names it in messages.
func (in *writeInput) write(at string) (Write, error) {
	action, ok := writeActions[in.Type]
	switch {
	case !ok:
		return Write{}, xrpc.InvalidRequest("%s: action not supported: %q", at, in.Type)
	case in.Collection == "":
		return Write{}, xrpc.InvalidRequest("%s must have the property %q", at, "collection")
	case in.RecordKey == "" && action != repo.Create:
		return Write{}, xrpc.InvalidRequest("%s must have the property %q", at, "rkey")
	case in.Value == nil && action != repo.Delete:
		return Write{}, xrpc.InvalidRequest("%s must have the property %q", at, "value")
	}
	return Write{Action: action, Collection: in.Collection, RecordKey: in.RecordKey, Value: in.Value}, nil
}
