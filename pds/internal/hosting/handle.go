package hosting

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
)

// CheckHandle checks the handle that an account is to have, and returns it in its normal form. The
// DID is "" for a new account, whose handle must be under one of the server's domains. The handle
// of any other account may also be under another domain if it resolves to the account's DID.
//
// Errors, as an *xrpc.Error: InvalidHandle, HandleNotAvailable, UnsupportedDomain, InvalidRequest.
func (a *Accounts) CheckHandle(ctx context.Context, did syntax.DID, raw string) (syntax.Handle, error) {
	if did == "" {
		handle, err := a.Handles.ValidateNew(raw)
		return handle, handleError(err)
	}
	handle, err := a.Handles.Validate(raw)
	if err != nil {
		return "", handleError(err)
	}
	if _, own := a.Handles.Label(handle); own {
		return handle, nil
	}
	if resolved, err := a.Directory.ResolveHandle(ctx, handle); err != nil || resolved != did {
		return "", xrpc.InvalidRequest("External handle did not resolve to DID")
	}
	return handle, nil
}

// CheckRequestedHandle is CheckHandle for a handle that a request wants. HandleAllowed may refuse
// it, with an error of its own.
func (a *Accounts) CheckRequestedHandle(ctx context.Context, did syntax.DID, raw string) (syntax.Handle, error) {
	handle, err := a.CheckHandle(ctx, did, raw)
	if err == nil && a.HandleAllowed != nil {
		err = a.HandleAllowed(ctx, handle)
	}
	return handle, err
}
