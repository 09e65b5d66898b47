package record

import (
	"context"
	"encoding/json"

	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
)

type describeRepoParams struct {
	Repo syntax.AtIdentifier `json:"repo"`
}

type describeRepoOutput struct {
	Handle          syntax.Handle   `json:"handle"`
	DID             syntax.DID      `json:"did"`
	DIDDoc          json.RawMessage `json:"didDoc"`
	Collections     []syntax.NSID   `json:"collections"`
	HandleIsCorrect bool            `json:"handleIsCorrect"`
}

func (h *Handler) describeRepo(ctx context.Context, c *xrpc.Call[describeRepoParams]) (*describeRepoOutput, error) {
	account, err := h.Accounts.Readable(ctx, c.Input.Repo, c.Caller)
	if err != nil {
		return nil, err
	}
	doc, err := h.Accounts.Directory.ResolveDIDRaw(ctx, account.DID)
	if err != nil {
		return nil, xrpc.InvalidRequest("Could not resolve DID: %s", account.DID)
	}
	collections, err := h.Store.Collections(ctx, account.DID)
	if err != nil {
		return nil, err
	}
	out := &describeRepoOutput{Handle: account.Handle, DID: account.DID, DIDDoc: doc, Collections: collections}
	if out.Handle == "" {
		out.Handle = syntax.HandleInvalid
	}
	if out.Collections == nil {
		out.Collections = []syntax.NSID{}
	}
	var parsed identity.DIDDocument
	if err := json.Unmarshal(doc, &parsed); err == nil {
		ident := identity.ParseIdentity(&parsed)
		claimed, err := ident.DeclaredHandle()
		out.HandleIsCorrect = err == nil && claimed == account.Handle
	}
	return out, nil
}
