package sync

import (
	"context"
	"strconv"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type listReposParams struct {
	Limit  int    `json:"limit,omitempty" default:"500" min:"1" max:"1000"`
	Cursor string `json:"cursor,omitempty"`
}

type listReposOutput struct {
	Cursor string       `json:"cursor,omitempty"`
	Repos  []repoStatus `json:"repos"`
}

type repoStatus struct {
	DID    syntax.DID            `json:"did"`
	Head   string                `json:"head"`
	Rev    syntax.TID            `json:"rev"`
	Active bool                  `json:"active"`
	Status storage.AccountStatus `json:"status,omitempty"`
}

// listRepos lists all hosted repos, the oldest account first, so that one who pages through misses none that is created
// meanwhile.
func (s *Server) listRepos(ctx context.Context, c *xrpc.Call[listReposParams]) (*listReposOutput, error) {
	in := &c.Input
	var after int64
	if in.Cursor != "" {
		var err error
		if after, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || after < 0 {
			return nil, xrpc.InvalidRequest("Malformed cursor")
		}
	}
	out := &listReposOutput{Repos: []repoStatus{}}
	for h, err := range s.Accounts.ListAccounts(ctx, after, in.Limit) {
		if err != nil {
			return nil, err
		}
		status := h.Status()
		out.Repos = append(out.Repos, repoStatus{
			DID: h.DID, Head: h.Head.Commit.String(), Rev: h.Head.Rev,
			Active: status == storage.StatusActive, Status: status,
		})
		after = h.ID
	}
	if len(out.Repos) == in.Limit {
		out.Cursor = strconv.FormatInt(after, 10)
	}
	return out, nil
}
