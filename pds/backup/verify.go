package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
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
	commit, blocks, err := readBlocks(msg)
	if err != nil {
		return nil, err
	}
	if err := invert(ctx, msg); err != nil {
		return nil, err
	}
	key, err := m.verifySignature(ctx, a.DID, commit)
	if err != nil {
		return nil, err
	}
	blobs, err := blobsOf(blocks, msg)
	if err != nil {
		return nil, err
	}
	head := storage.Head{
		DID: a.DID, Commit: cid.Cid(msg.Commit), Rev: syntax.TID(commit.Rev), Data: commit.Data,
		Block: blocks[cid.Cid(msg.Commit)],
	}
	return &added{head, key, blobs}, nil
}

// readBlocks reads the CAR file of a commit, whose root must be the commit, and checks each block
// against its CID.
func readBlocks(msg *comatproto.SyncSubscribeRepos_Commit) (*repo.Commit, map[cid.Cid][]byte, error) {
	car, err := data.NewCARReader(bytes.NewReader(msg.Blocks))
	if err != nil {
		return nil, nil, err
	}
	if car.Root() != cid.Cid(msg.Commit) {
		return nil, nil, errors.New("the blocks are those of another commit")
	}
	blocks := make(map[cid.Cid][]byte)
	for {
		c, block, err := car.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		blocks[c] = block
	}
	var commit repo.Commit
	if err := data.Unmarshal(blocks[car.Root()], &commit); err != nil {
		return nil, nil, fmt.Errorf("commit: %w", err)
	}
	return &commit, blocks, commit.VerifyStructure()
}

// invert has indigo check a commit's tree and operations. Its decoder of nodes panics on crafted ones.
func invert(ctx context.Context, msg *comatproto.SyncSubscribeRepos_Commit) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed tree: %v", p)
		}
	}()
	for _, op := range msg.Ops {
		if op.Action != "create" && op.Prev == nil {
			return fmt.Errorf("operation on %s without its previous record", op.Path)
		}
	}
	_, err = repo.VerifyCommitMessage(ctx, msg)
	return err
}

// blobsOf returns the blobs that a commit's new records refer to. Error: one of them is missing, or
// isn't a record that a copy of the repo could be read with.
func blobsOf(blocks map[cid.Cid][]byte, msg *comatproto.SyncSubscribeRepos_Commit) ([]cid.Cid, error) {
	var blobs []cid.Cid
	for _, op := range msg.Ops {
		if op.Cid == nil {
			continue
		}
		record, err := data.Decode(blocks[cid.Cid(*op.Cid)])
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", op.Path, err)
		}
		for _, b := range atdata.ExtractBlobs(record) {
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
