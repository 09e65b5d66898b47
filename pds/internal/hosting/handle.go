package hosting

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
)

// CheckHandle returns the handle that an account is to have, in its normal form, if it keeps the rules. That of a new
// account, whose DID is "", is under one of the server's domains. Another account's may be under any domain, but if that
// isn't the server's, it resolves to the account.
//
// Errors, as an *xrpc.Error: InvalidHandle, HandleNotAvailable, UnsupportedDomain, InvalidRequest.
func (a *Accounts) CheckHandle(ctx context.Context, did syntax.DID, raw string) (syntax.Handle, error) {
	if did == "" {
		handle, err := a.Handles.ValidateNew(raw)
		return handle, HandleError(err)
	}
	handle, err := a.Handles.Validate(raw)
	if err != nil {
		return "", HandleError(err)
	}
	if _, own := a.Handles.Label(handle); own {
		return handle, nil
	}
	if resolved, err := a.Directory.ResolveHandle(ctx, handle); err != nil || resolved != did {
		return "", xrpc.InvalidRequest("External handle did not resolve to DID")
	}
	return handle, nil
}

// CheckRequestedHandle is CheckHandle for a handle that a request wants: the host program may refuse it, too, with an
// error of its own.
func (a *Accounts) CheckRequestedHandle(ctx context.Context, did syntax.DID, raw string) (syntax.Handle, error) {
	handle, err := a.CheckHandle(ctx, did, raw)
	if err == nil && a.HandleAllowed != nil {
		err = a.HandleAllowed(ctx, handle)
	}
	return handle, err
}
