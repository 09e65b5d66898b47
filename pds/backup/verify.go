package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// added is what a verified commit brings.
type added struct {
	head  storage.Head
	key   string // the did:key that signed it, if that is known
	blobs []cid.Cid
}

// verifyCommit says whether a commit is the next of an account's repo: its chain, its tree, from which the operations must
// lead back to the one before, its records and its signature. Whatever isn't in the commit's blocks is then in the tree
// that the mirror has.
//
// Spec: https://atproto.com/specs/sync
func (m *Mirror) verifyCommit(ctx context.Context, a *account, msg *comatproto.SyncSubscribeRepos_Commit) (*added, error) {
	switch {
	case a.Commit == "":
		return nil, errors.New("nothing of the repo is there")
	case msg.TooBig || msg.Since == nil || msg.PrevData == nil:
		return nil, errors.New("the commit doesn't say what it follows on")
	case *msg.Since != string(a.Rev) || cid.Cid(*msg.PrevData).String() != a.Data:
		return nil, fmt.Errorf("the commit follows on %s, and %s is there", *msg.Since, a.Rev)
	}
	commit, block, err := readCommit(ctx, msg.Blocks, cid.Cid(msg.Commit))
	if err != nil {
		return nil, err
	}
	tree, err := invert(ctx, msg)
	if err != nil {
		return nil, err
	}
	key, err := m.verifySignature(ctx, a.DID, commit)
	if err != nil {
		return nil, err
	}
	blobs, err := blobsOf(ctx, tree, msg)
	if err != nil {
		return nil, err
	}
	head := storage.Head{
		DID: a.DID, Commit: cid.Cid(msg.Commit), Rev: syntax.TID(commit.Rev), Data: commit.Data, Block: block,
	}
	return &added{head, key, blobs}, nil
}

// readCommit reads the commit that must be the root of a CAR file.
func readCommit(ctx context.Context, car []byte, want cid.Cid) (*repo.Commit, []byte, error) {
	commit, root, err := repo.LoadCommitFromCAR(ctx, bytes.NewReader(car))
	if err != nil {
		return nil, nil, err
	}
	var block bytes.Buffer
	if err := commit.MarshalCBOR(&block); err != nil {
		return nil, nil, err
	}
	sum, err := want.Prefix().Sum(block.Bytes())
	if err != nil || sum != want || *root != want {
		return nil, nil, errors.New("the commit's block isn't what its CID names")
	}
	return commit, block.Bytes(), nil
}

// invert has indigo check a commit's tree and operations. Its decoder of nodes panics on crafted ones.
func invert(ctx context.Context, msg *comatproto.SyncSubscribeRepos_Commit) (tree *repo.Repo, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed tree: %v", p)
		}
	}()
	for _, op := range msg.Ops {
		if op.Action != "create" && op.Prev == nil {
			return nil, fmt.Errorf("operation on %s without its previous record", op.Path)
		}
	}
	return repo.VerifyCommitMessage(ctx, msg)
}

// blobsOf returns the blobs that a commit's new records refer to.
func blobsOf(ctx context.Context, tree *repo.Repo, msg *comatproto.SyncSubscribeRepos_Commit) ([]cid.Cid, error) {
	var blobs []cid.Cid
	for _, op := range msg.Ops {
		if op.Cid == nil {
			continue
		}
		collection, rkey, err := syntax.ParseRepoPath(op.Path)
		if err != nil {
			return nil, err
		}
		record, _, err := tree.GetRecordBytes(ctx, collection, rkey)
		if err != nil {
			return nil, err
		}
		data, err := atdata.UnmarshalCBOR(record)
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", op.Path, err)
		}
		for _, b := range atdata.ExtractBlobs(data) {
			blobs = append(blobs, b.Ref.CID())
		}
	}
	return blobs, nil
}

// errSignature: a commit isn't signed by the key of its account.
var errSignature = errors.New("wrong signature")

// verifySignature returns the did:key that has signed a commit, or "" if the account's key isn't known. A key that doesn't
// fit may be one of before: it is looked up anew.
func (m *Mirror) verifySignature(ctx context.Context, did syntax.DID, c *repo.Commit) (string, error) {
	if m.keys == nil {
		return "", nil
	}
	for _, fresh := range []bool{false, true} {
		key, err := m.keys(ctx, did, fresh)
		if err != nil {
			m.logger.DebugContext(ctx, "backup: an account's key isn't known", "did", did, "err", err)
			return "", ctx.Err()
		}
		if signedBy(c, key) {
			return key.DIDKey(), nil
		}
	}
	return "", errSignature
}

func signedBy(c *repo.Commit, key atcrypto.PublicKey) bool { return c.VerifySignature(key) == nil }
