package identity

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

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
func (s *Server) updateHandle(ctx context.Context, c *xrpc.Call[updateHandleInput]) (*struct{}, error) {
	account, err := s.Own(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	handle, err := s.newHandle(ctx, account.DID, c.Input.Handle)
	if err != nil {
		return nil, err
	}
	if s.HandleAllowed != nil {
		if err := s.HandleAllowed(ctx, handle); err != nil {
			return nil, err
		}
	}
	release, err := s.ClaimHandle(ctx, handle, account.DID)
	if err != nil {
		return nil, err
	}
	defer release()
	for {
		err := s.change(ctx, account, handle)
		if !errors.Is(err, errChanged) {
			return nil, err
		}
		if account, err = s.Own(ctx, c.Caller); err != nil {
			return nil, err
		}
	}
}

// errChanged: the account's handle isn't what it was before.
var errChanged = errors.New("identity: the account has changed meanwhile")

// change returns errChanged if another change came in between: which of the two the identity has taken last isn't known
// then.
func (s *Server) change(ctx context.Context, before storage.Account, handle syntax.Handle) error {
	if err := s.updateIdentity(ctx, before.DID, handle); err != nil {
		return err
	}
	event, err := firehose.IdentityEvent(before.DID, handle, s.Now())
	if err != nil {
		return err
	}
	_, err = s.Accounts.UpdateAccount(ctx, before.DID, func(a *storage.Account) error {
		if a.Handle != before.Handle {
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

// newHandle checks that an account may have a handle: one of the server's own domains by their rules, any other by its
// resolving to the account.
func (s *Server) newHandle(ctx context.Context, did syntax.DID, raw string) (syntax.Handle, error) {
	handle, err := s.Handles.Validate(raw)
	if err != nil {
		return "", hosting.HandleError(err)
	}
	if _, own := s.Handles.Label(handle); own {
		return handle, nil
	}
	if resolved, err := s.ResolveHandle(ctx, handle); err != nil || resolved != did {
		return "", xrpc.InvalidRequest("External handle did not resolve to DID")
	}
	return handle, nil
}

// updateIdentity has the DID document name the handle. One that this server can't change has to name it already.
func (s *Server) updateIdentity(ctx context.Context, did syntax.DID, handle syntax.Handle) error {
	err := s.Registrar.Update(ctx, did, identity.Change{Handle: handle})
	switch {
	case errors.Is(err, identity.ErrUnsupported):
		return s.namesAlready(ctx, did, handle)
	case err != nil:
		return hosting.IdentityError(err)
	}
	return s.Purge(ctx, did.AtIdentifier())
}

// namesAlready returns nil if the DID document, as the network knows it now, names a handle.
func (s *Server) namesAlready(ctx context.Context, did syntax.DID, handle syntax.Handle) error {
	ident, err := s.Refresh(ctx, did)
	if err == nil {
		if claimed, err := ident.DeclaredHandle(); err == nil && claimed == handle {
			return nil
		}
	}
	return xrpc.InvalidRequest("DID is not properly configured for handle")
}
