package identity

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type resolveHandleParams struct {
	Handle string `json:"handle"`
}

type resolveHandleOutput struct {
	DID syntax.DID `json:"did"`
}

// resolveHandle asks the accounts first, and the network only about handles that can't be theirs, or that others give and an
// account that isn't active had.
func (h *Handler) resolveHandle(ctx context.Context, c *xrpc.Call[resolveHandleParams]) (*resolveHandleOutput, error) {
	handle, err := syntax.ParseHandle(c.Input.Handle)
	if err != nil {
		return nil, xrpc.Errorf("InvalidHandle", "Input handle must be a valid handle")
	}
	handle = handle.Normalize()
	_, own := h.Accounts.Handles.Label(handle)
	account, err := h.Accounts.Store.AccountByHandle(ctx, handle)
	switch {
	case err == nil && (own || account.Status() == storage.StatusActive):
		return &resolveHandleOutput{DID: account.DID}, nil
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return nil, err
	case own:
		return nil, xrpc.Errorf("HandleNotFound", "Unable to resolve handle")
	}
	did, err := h.Accounts.Directory.ResolveHandle(ctx, handle)
	if err != nil {
		return nil, xrpc.InvalidRequest("Unable to resolve handle")
	}
	return &resolveHandleOutput{DID: did}, nil
}
