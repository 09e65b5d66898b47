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

// Write checks writes, and makes one commit of them if the account is still active and its epoch
// the same. Errors that are of the caller's making are *xrpc.Error; storage.ErrGuard.
func (h *Handler) Write(ctx context.Context, account auth.Account, writes ...Write) (Written, error) {
	return h.write(ctx, account, cid.Undef, writes, func() error { return nil })
}

// writeFor is Write for a caller, after the host was asked. swapCommit is the CID that the repo's
// commit has to have now; undefined for any.
func (h *Handler) writeFor(
	ctx context.Context, caller auth.Caller, account auth.Account, swapCommit cid.Cid, writes ...Write,
) (Written, error) {
	return h.write(ctx, account, swapCommit, writes, func() error {
		if h.BeforeWrite == nil {
			return nil
		}
		return h.BeforeWrite(ctx, caller, account.DID, writes)
	})
}

// write makes the record keys that writes of records lack.
func (h *Handler) write(
	ctx context.Context, account auth.Account, swapCommit cid.Cid, writes []Write, ask func() error,
) (Written, error) {
	if len(writes) > repo.MaxOps {
		return Written{}, xrpc.InvalidRequest("Too many writes. Max: %d", repo.MaxOps)
	}
	batch := repo.Batch{
		Ops: make([]repo.Op, len(writes)), SwapCommit: swapCommit, Guard: hosting.WhileActive(account),
	}
	out := Written{Paths: make([]string, len(writes)), Status: make([]lexicon.Status, len(writes))}
	for i := range writes {
		w := &writes[i]
		if w.RecordKey == "" && w.Action != repo.Delete {
			w.RecordKey = h.keys.next(h.Now())
		}
		var p prepared
		if w.Action != repo.Delete {
			var err error
			if p, err = h.prepare(ctx, account.DID, w); err != nil {
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
	if out.Result, err = h.Engine.Apply(ctx, account.DID, batch); err != nil {
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
