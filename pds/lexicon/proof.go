package lexicon

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	indigo "github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
)

var errProof = errors.New("not a proof")

// provenRecord returns the record at a path of a repo, with its CID, from a CAR file of com.atproto.sync.getRecord: the
// commit is that of the repo and signed by the key, and the path leads from it to the record. Error: among others
// [ErrNotFound], if the file proves that there is no such record.
func provenRecord(car []byte, did syntax.DID, path string, key atcrypto.PublicKey) (cid.Cid, []byte, error) {
	root, blocks, err := readCAR(car)
	if err != nil {
		return cid.Undef, nil, err
	}
	var commit indigo.Commit
	if err := data.Unmarshal(blocks[root], &commit); err != nil {
		return cid.Undef, nil, fmt.Errorf("%w: commit: %w", errProof, err)
	}
	if err := commit.VerifyStructure(); err != nil {
		return cid.Undef, nil, fmt.Errorf("%w: commit: %w", errProof, err)
	}
	if commit.DID != did.String() {
		return cid.Undef, nil, fmt.Errorf("%w: commit of %s", errProof, commit.DID)
	}
	if err := commit.VerifySignature(key); err != nil {
		return cid.Undef, nil, fmt.Errorf("%w: commit: %w", errProof, err)
	}
	value, err := data.Lookup(commit.Data, path, func(c cid.Cid) ([]byte, error) {
		block, ok := blocks[c]
		if !ok {
			return nil, fmt.Errorf("node %s is missing", c)
		}
		return block, nil
	})
	if err != nil {
		return cid.Undef, nil, fmt.Errorf("%w: %w", errProof, err)
	}
	if !value.Defined() {
		return cid.Undef, nil, fmt.Errorf("%w: no record", ErrNotFound)
	}
	block, ok := blocks[value]
	if !ok {
		return cid.Undef, nil, fmt.Errorf("%w: the record is missing", errProof)
	}
	return value, block, nil
}

// readCAR reads a CAR file with one root, and checks each block against its CID.
func readCAR(car []byte) (cid.Cid, map[cid.Cid][]byte, error) {
	r, err := data.NewCARReader(bytes.NewReader(car))
	if err != nil {
		return cid.Undef, nil, fmt.Errorf("%w: %w", errProof, err)
	}
	blocks := map[cid.Cid][]byte{}
	for {
		c, block, err := r.Next()
		if err == io.EOF {
			return r.Root(), blocks, nil
		}
		if err != nil {
			return cid.Undef, nil, fmt.Errorf("%w: %w", errProof, err)
		}
		blocks[c] = block
	}
}
