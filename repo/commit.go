package repo

import (
	"bytes"
	"context"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// sign makes and signs the commit of a tree.
func (e *Engine) sign(ctx context.Context, did syntax.DID, rev syntax.TID, root cid.Cid) (storage.Head, error) {
	c := repo.Commit{DID: string(did), Version: repo.ATPROTO_REPO_VERSION, Data: root, Rev: string(rev)}
	unsigned, err := c.UnsignedBytes()
	if err != nil {
		return storage.Head{}, fmt.Errorf("repo: %w", err)
	}
	c.Sig, err = e.signer.Sign(ctx, did, unsigned)
	if err != nil {
		return storage.Head{}, fmt.Errorf("repo: sign commit: %w", err)
	}
	if len(c.Sig) != 64 {
		return storage.Head{}, fmt.Errorf("repo: sign commit: signature of %d bytes", len(c.Sig))
	}
	var block bytes.Buffer
	if err := c.MarshalCBOR(&block); err != nil {
		return storage.Head{}, fmt.Errorf("repo: %w", err)
	}
	return storage.Head{DID: did, Commit: data.SumCID(block.Bytes()), Rev: rev, Data: root, Block: block.Bytes()}, nil
}

// readCommit decodes a commit.
func readCommit(block []byte) (*repo.Commit, error) {
	var c repo.Commit
	if err := data.Unmarshal(block, &c); err != nil {
		return nil, err
	}
	return &c, nil
}
