package record

import (
	"context"
	"encoding/json"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
)

// Write is a write to one record.
type Write struct {
	Action     repo.Action
	Collection syntax.NSID
	RecordKey  syntax.RecordKey // may be "" to create: a key is made then
	Value      json.RawMessage  // nil to delete
	Validate   *bool            // check against the lexicon: nil leaves it to the server
	Swap       *cid.Cid         // what has to be there now: nil for whatever it is, undefined for nothing
}

// Written is what came of writes.
type Written struct {
	// Result is the engine's: its Ops are one for each write, in their order.
	repo.Result

	Paths  []string
	Status []lexicon.Status
}

// Write checks writes, and makes one commit of them. swapCommit is what the repo's commit has to be now, undefined for
// whatever it is. Errors that are of the caller's making are *xrpc.Error.
func (s *Server) Write(ctx context.Context, did syntax.DID, swapCommit cid.Cid, writes ...Write) (Written, error) {
	return s.write(ctx, did, swapCommit, writes, func() error { return nil })
}

// writeFor is Write for a caller, after the host was asked.
func (s *Server) writeFor(
	ctx context.Context, caller auth.Caller, did syntax.DID, swapCommit cid.Cid, writes ...Write,
) (Written, error) {
	return s.write(ctx, did, swapCommit, writes, func() error {
		if s.BeforeWrite == nil {
			return nil
		}
		return s.BeforeWrite(ctx, caller, did, writes)
	})
}

// write makes the record keys that writes of records lack.
func (s *Server) write(
	ctx context.Context, did syntax.DID, swapCommit cid.Cid, writes []Write, ask func() error,
) (Written, error) {
	if len(writes) > repo.MaxOps {
		return Written{}, xrpc.InvalidRequest("Too many writes. Max: %d", repo.MaxOps)
	}
	batch := repo.Batch{Ops: make([]repo.Op, len(writes)), SwapCommit: swapCommit}
	out := Written{Paths: make([]string, len(writes)), Status: make([]lexicon.Status, len(writes))}
	for i := range writes {
		w := &writes[i]
		if w.RecordKey == "" && w.Action != repo.Delete {
			w.RecordKey = s.keys.next(s.Now())
		}
		var p prepared
		if w.Action != repo.Delete {
			var err error
			if p, err = s.prepare(ctx, did, w); err != nil {
				return Written{}, err
			}
		}
		out.Paths[i] = w.Collection.String() + "/" + w.RecordKey.String()
		out.Status[i] = p.status
		batch.Ops[i] = repo.Op{Action: w.Action, Path: out.Paths[i], Value: p.bytes, Blobs: p.blobs, Swap: w.Swap}
	}
	err := ask()
	if err != nil {
		return Written{}, err
	}
	if out.Result, err = s.Engine.Apply(ctx, did, batch); err != nil {
		return Written{}, hosting.WriteError(err)
	}
	return out, nil
}

// commitMeta is com.atproto.repo.defs#commitMeta.
type commitMeta struct {
	CID string `json:"cid"`
	Rev string `json:"rev"`
}

// meta is nil if nothing had to be committed.
func (w *Written) meta() *commitMeta {
	if !w.Changed {
		return nil
	}
	return &commitMeta{CID: w.Commit.String(), Rev: w.Rev.String()}
}

// parseCID takes "" for an undefined one.
func parseCID(name, s string) (cid.Cid, error) {
	if s == "" {
		return cid.Undef, nil
	}
	c, err := cid.Decode(s)
	if err != nil {
		return cid.Undef, xrpc.InvalidRequest("Input/%s must be a cid string", name)
	}
	return c, nil
}

func uri(did syntax.DID, path string) string { return "at://" + did.String() + "/" + path }
