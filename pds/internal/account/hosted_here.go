package account

import (
	"context"
	"errors"
	"net/http"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
)

// hostedHere says what keeps an identity, as the network knows it now, from being this server's: another server, or
// another signing key. A rotation key of the owner's alone is no obstacle.
func (h *Handler) hostedHere(ctx context.Context, did syntax.DID) error {
	ident, err := h.Accounts.Directory.Refresh(ctx, did)
	switch {
	case errors.Is(err, indigo.ErrDIDNotFound):
		return xrpc.InvalidRequest("Could not resolve DID: %s", did)
	case err != nil: // which says nothing about the identity
		h.Logger.WarnContext(ctx, "account: an identity can't be looked up", "did", did, "err", err)
		return xrpc.StatusError(http.StatusBadGateway, "Could not resolve DID: %s, please try again", did)
	}
	if ident.PDSEndpoint() != h.PublicURL {
		return xrpc.InvalidRequest("DID document atproto_pds service endpoint does not match PDS public url")
	}
	named, err := ident.PublicKey()
	if err != nil {
		return xrpc.InvalidRequest("DID document verification method does not match expected signing key")
	}
	own, err := h.Keys.Public(ctx, did.String())
	if err != nil {
		return err
	}
	if !own.Equal(named) {
		return xrpc.InvalidRequest("DID document verification method does not match expected signing key")
	}
	return nil
}
