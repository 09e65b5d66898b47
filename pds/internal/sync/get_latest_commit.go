package sync

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type getLatestCommitOutput struct {
	CID string `json:"cid"`
	Rev string `json:"rev"`
}

func (s *Server) getLatestCommit(ctx context.Context, c *xrpc.Call[didParams]) (*getLatestCommitOutput, error) {
	head, err := s.head(ctx, c.Input.DID, c.Caller, "RepoNotFound")
	if err != nil {
		return nil, err
	}
	return &getLatestCommitOutput{CID: head.Commit.String(), Rev: head.Rev.String()}, nil
}

type getHeadOutput struct {
	Root string `json:"root"`
}

// getHead is the deprecated form of getLatestCommit.
func (s *Server) getHead(ctx context.Context, c *xrpc.Call[didParams]) (*getHeadOutput, error) {
	head, err := s.head(ctx, c.Input.DID, c.Caller, "HeadNotFound")
	if err != nil {
		return nil, err
	}
	return &getHeadOutput{Root: head.Commit.String()}, nil
}

func (s *Server) head(ctx context.Context, did syntax.DID, caller auth.Caller, notFound string) (storage.Head, error) {
	if _, err := s.Readable(ctx, did.AtIdentifier(), caller); err != nil {
		return storage.Head{}, err
	}
	head, err := s.Repos.Head(ctx, did)
	if errors.Is(err, storage.ErrNotFound) {
		return head, xrpc.Errorf(notFound, "Could not find root for DID: %s", did)
	}
	return head, err
}
