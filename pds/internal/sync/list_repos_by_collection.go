package sync

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

type listReposByCollectionParams struct {
	Collection syntax.NSID `json:"collection"`
	Limit      int         `json:"limit,omitempty" default:"500" min:"1" max:"2000"`
	Cursor     string      `json:"cursor,omitempty"`
}

type listReposByCollectionOutput struct {
	Cursor string          `json:"cursor,omitempty"`
	Repos  []collectionRef `json:"repos"`
}

type collectionRef struct {
	DID syntax.DID `json:"did"`
}

// listReposByCollection lists the active repos that have a record of a collection. A page may have fewer repos than the
// limit, even none, and yet a cursor: inactive ones are left out of it.
func (h *Handler) listReposByCollection(ctx context.Context, c *xrpc.Call[listReposByCollectionParams]) (*listReposByCollectionOutput, error) {
	in := &c.Input
	out := &listReposByCollectionOutput{Repos: []collectionRef{}}
	var dids []syntax.DID
	for did, err := range h.Repos.ListByCollection(ctx, in.Collection, syntax.DID(in.Cursor), in.Limit) {
		if err != nil {
			return nil, err
		}
		dids = append(dids, did)
	}
	for _, did := range dids {
		var hidden *xrpc.Error
		switch _, err := h.Accounts.Readable(ctx, did.AtIdentifier(), auth.Caller{}); {
		case err == nil:
			out.Repos = append(out.Repos, collectionRef{did})
		case !errors.As(err, &hidden):
			return nil, err
		}
	}
	if len(dids) == in.Limit {
		out.Cursor = dids[in.Limit-1].String()
	}
	return out, nil
}
