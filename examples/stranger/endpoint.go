package main

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// README: endpoint
type countParams struct {
	Collection syntax.NSID `json:"collection"`
}

type count struct {
	Count int `json:"count"`
}

func countRecords(srv *pds.Server) xrpc.Method {
	return xrpc.Query("com.example.countRecords", auth.Session.In(auth.Active),
		func(ctx context.Context, c *xrpc.Call[countParams]) (*count, error) {
			out := &count{}
			for _, err := range srv.Repo(c.Caller.DID).List(ctx, c.Input.Collection) {
				if err != nil {
					return nil, err
				}
				out.Count++
			}
			return out, nil
		})
}

// README: end
