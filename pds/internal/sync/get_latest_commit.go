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

func (h *Handler) getLatestCommit(ctx context.Context, c *xrpc.Call[didParams]) (*getLatestCommitOutput, error) {
	head, err := h.head(ctx, c.Input.DID, c.Caller, "RepoNotFound")
	if err != nil {
		return nil, err
	}
	return &getLatestCommitOutput{CID: head.Commit.String(), Rev: head.Rev.String()}, nil
}

type getHeadOutput struct {
	Root string `json:"root"`
}

// getHead is the deprecated form of getLatestCommit.
func (h *Handler) getHead(ctx context.Context, c *xrpc.Call[didParams]) (*getHeadOutput, error) {
	head, err := h.head(ctx, c.Input.DID, c.Caller, "HeadNotFound")
	if err != nil {
		return nil, err
	}
	return &getHeadOutput{Root: head.Commit.String()}, nil
}

func (h *Handler) head(ctx context.Context, did syntax.DID, caller auth.Caller, notFound string) (storage.Head, error) {
	if _, err := h.Accounts.Readable(ctx, did.AtIdentifier(), caller); err != nil {
		return storage.Head{}, err
	}
	head, err := h.Repos.Head(ctx, did)
	if errors.Is(err, storage.ErrNotFound) {
		return head, xrpc.Errorf(notFound, "Could not find root for DID: %s", did)
	}
	return head, err
}
