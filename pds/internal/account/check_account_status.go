package account

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type checkAccountStatusOutput struct {
	Activated          bool       `json:"activated"`
	ValidDID           bool       `json:"validDid"`
	RepoCommit         string     `json:"repoCommit"`
	RepoRev            syntax.TID `json:"repoRev"`
	RepoBlocks         int64      `json:"repoBlocks"`
	IndexedRecords     int64      `json:"indexedRecords"`
	PrivateStateValues int64      `json:"privateStateValues"`
	ExpectedBlobs      int64      `json:"expectedBlobs"`
	ImportedBlobs      int64      `json:"importedBlobs"`
}

// checkAccountStatus tells an account's owner how far a move has come.
func (h *Handler) checkAccountStatus(ctx context.Context, c *xrpc.Call[struct{}]) (*checkAccountStatusOutput, error) {
	did := c.Caller.DID
	account, err := h.account(ctx, did)
	if err != nil {
		return nil, err
	}
	head, err := h.Store.Head(ctx, did)
	if err != nil {
		return nil, err
	}
	stats, err := h.Store.Stats(ctx, did)
	if err != nil {
		return nil, err
	}
	expected, missing, err := h.countBlobs(ctx, did)
	if err != nil {
		return nil, err
	}
	preferences, err := h.Preferences.Count(ctx, did)
	if err != nil {
		return nil, err
	}
	return &checkAccountStatusOutput{
		Activated:          account.Status() == storage.StatusActive,
		ValidDID:           h.hostedHere(ctx, did) == nil,
		RepoCommit:         head.Commit.String(),
		RepoRev:            head.Rev,
		RepoBlocks:         stats.Nodes + stats.Records + 1,
		IndexedRecords:     stats.Records,
		PrivateStateValues: preferences,
		ExpectedBlobs:      expected,
		ImportedBlobs:      expected - missing,
	}, nil
}

// countBlobs counts the blobs that records refer to, and those of them that aren't here.
func (h *Handler) countBlobs(ctx context.Context, did syntax.DID) (expected, missing int64, err error) {
	if expected, err = h.countRange(ctx, did, storage.BlobRange{}); err != nil {
		return 0, 0, err
	}
	missing, err = h.countRange(ctx, did, storage.BlobRange{Missing: true})
	return expected, missing, err
}

// countRange counts page by page, so that it doesn't hold a snapshot of the store for long.
func (h *Handler) countRange(ctx context.Context, did syntax.DID, r storage.BlobRange) (n int64, err error) {
	r.Limit = 1000
	for more := true; more; {
		more = false
		for ref, err := range h.Store.ListBlobs(ctx, did, r) {
			if err != nil {
				return 0, err
			}
			n++
			r.After, more = ref.CID.String(), n%int64(r.Limit) == 0
		}
	}
	return n, nil
}
