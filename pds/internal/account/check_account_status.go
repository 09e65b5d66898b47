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
func (s *Server) checkAccountStatus(ctx context.Context, c *xrpc.Call[struct{}]) (*checkAccountStatusOutput, error) {
	did := c.Caller.DID
	account, err := s.account(ctx, did)
	if err != nil {
		return nil, err
	}
	head, err := s.Repos.Head(ctx, did)
	if err != nil {
		return nil, err
	}
	stats, err := s.Repos.Stats(ctx, did)
	if err != nil {
		return nil, err
	}
	expected, missing, err := s.countBlobs(ctx, did)
	if err != nil {
		return nil, err
	}
	preferences, err := s.Preferences(ctx, did)
	if err != nil {
		return nil, err
	}
	return &checkAccountStatusOutput{
		Activated:          account.Status() == storage.StatusActive,
		ValidDID:           s.hostedHere(ctx, did) == nil,
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
func (s *Server) countBlobs(ctx context.Context, did syntax.DID) (expected, missing int64, err error) {
	const page = 1000
	for after, more := "", true; more; {
		more = false
		for c, err := range s.Blobs.ListBlobs(ctx, did, "", after, page) {
			if err != nil {
				return 0, 0, err
			}
			expected++
			after, more = c.String(), expected%page == 0
		}
	}
	for after, more := "", true; more; {
		more = false
		for ref, err := range s.Blobs.ListMissingBlobs(ctx, did, after, page) {
			if err != nil {
				return 0, 0, err
			}
			missing++
			after, more = ref.CID.String(), missing%page == 0
		}
	}
	return expected, missing, nil
}
