package identity

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type updateHandleInput struct {
	Handle string `json:"handle"`
}

// updateHandle changes the handle of the caller's account: first in its identity, and then here, with the event that
// tells of it. If it breaks off in between, the same call finishes it.
func (h *Handler) updateHandle(ctx context.Context, c *xrpc.Call[updateHandleInput]) (*struct{}, error) {
	did := c.Account.DID
	handle, err := h.Accounts.CheckRequestedHandle(ctx, did, c.Input.Handle)
	if err != nil {
		return nil, err
	}
	release, err := h.Accounts.ClaimHandle(ctx, handle, did)
	if err != nil {
		return nil, err
	}
	defer release()
	for {
		account, err := h.Accounts.In(ctx, did, auth.NotTakenDown)
		if err == nil {
			err = h.change(ctx, account, handle)
		}
		if !errors.Is(err, errChanged) {
			return nil, err
		}
	}
}

// errChanged: the account's handle isn't what it was before.
var errChanged = errors.New("identity: the account has changed meanwhile")

// change returns errChanged if another change came in between: which of the two the identity has taken last isn't known
// then.
func (h *Handler) change(ctx context.Context, before auth.Account, handle syntax.Handle) error {
	if err := h.updateIdentity(ctx, before.DID, handle); err != nil {
		return err
	}
	event, err := firehose.IdentityEvent(before.DID, handle, h.Accounts.Now())
	if err != nil {
		return err
	}
	_, err = h.Accounts.Store.UpdateAccount(ctx, before.DID, func(a *storage.Account) error {
		switch {
		case a.TakedownRef != "": // since before was read
			return auth.ErrAccountTakedown
		case a.Handle != before.Handle:
			return errChanged
		}
		a.Handle = handle
		return nil
	}, event)
	if errors.Is(err, storage.ErrHandleTaken) {
		return hosting.HandleTaken(handle)
	}
	return err
}

// updateIdentity makes the DID document name the handle. A document that this server can't change
// must name it already.
func (h *Handler) updateIdentity(ctx context.Context, did syntax.DID, handle syntax.Handle) error {
	err := h.Registrar.Update(ctx, did, identity.Change{Handle: handle})
	if errors.Is(err, identity.ErrUnsupported) {
		return h.namesAlready(ctx, did, handle)
	}
	if err != nil {
		return hosting.IdentityError(err)
	}
	return h.Accounts.Directory.Purge(ctx, did.AtIdentifier())
}

// namesAlready returns nil if the DID document, as the network knows it now, names a handle.
func (h *Handler) namesAlready(ctx context.Context, did syntax.DID, handle syntax.Handle) error {
	ident, err := h.Accounts.Directory.Refresh(ctx, did)
	if err == nil {
		if claimed, err := ident.DeclaredHandle(); err == nil && claimed == handle {
			return nil
		}
	}
	return xrpc.InvalidRequest("DID is not properly configured for handle")
}
