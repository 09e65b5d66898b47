package sync

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type getRepoStatusOutput struct {
	DID    syntax.DID            `json:"did"`
	Active bool                  `json:"active"`
	Status storage.AccountStatus `json:"status,omitempty"`
	Rev    syntax.TID            `json:"rev,omitempty"`
}

// getRepoStatus tells of any hosted account, whatever its status.
func (s *Server) getRepoStatus(ctx context.Context, c *xrpc.Call[didParams]) (*getRepoStatusOutput, error) {
	did := c.Input.DID
	account, err := s.Accounts.Account(ctx, did)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, hosting.RepoNotFound(did)
	}
	if err != nil {
		return nil, err
	}
	status := account.Status()
	out := &getRepoStatusOutput{DID: did, Active: status == storage.StatusActive, Status: status}
	if out.Active {
		head, err := s.Repos.Head(ctx, did)
		if err != nil {
			return nil, err
		}
		out.Rev = head.Rev
	}
	return out, nil
}
