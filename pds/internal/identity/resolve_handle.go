package identity

import (
	"context"
	"errors"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
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
	local := hosting.Local{Accounts: h.Accounts.Store, Handles: h.Accounts.Handles}
	did, err := local.LocalHandle(ctx, handle)
	if !errors.Is(err, indigo.ErrHandleNotFound) {
		return &resolveHandleOutput{DID: did}, err
	}
	if _, own := h.Accounts.Handles.Label(handle); own {
		return nil, xrpc.Errorf("HandleNotFound", "Unable to resolve handle")
	}
	did, err = h.Accounts.Directory.ResolveHandle(ctx, handle)
	if err != nil {
		return nil, xrpc.InvalidRequest("Unable to resolve handle")
	}
	return &resolveHandleOutput{DID: did}, nil
}
