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
func (h *Handler) listRepos(ctx context.Context, c *xrpc.Call[listReposParams]) (*listReposOutput, error) {
	in := &c.Input
	var after int64
	if in.Cursor != "" {
		var err error
		if after, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || after < 0 {
			return nil, xrpc.InvalidRequest("Malformed cursor")
		}
	}
	out := &listReposOutput{Repos: []repoStatus{}}
	for hosted, err := range h.Accounts.Store.ListAccounts(ctx, after, in.Limit) {
		if err != nil {
			return nil, err
		}
		status := hosted.Status()
		out.Repos = append(out.Repos, repoStatus{
			DID: hosted.DID, Head: hosted.Head.Commit.String(), Rev: hosted.Head.Rev,
			Active: status == storage.StatusActive, Status: status,
		})
		after = hosted.ID
	}
	if len(out.Repos) == in.Limit {
		out.Cursor = strconv.FormatInt(after, 10)
	}
	return out, nil
}
