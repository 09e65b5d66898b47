package lexicon

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/atdata"
	indigo "github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

var errProof = errors.New("not a proof")

// blockPrefix is of the CIDs that a repo has. No other hash is trusted.
var blockPrefix = cid.NewPrefixV1(cid.DagCBOR, multihash.SHA2_256)

// provenRecord returns the record at a path of a repo, with its CID, from a CAR file of com.atproto.sync.getRecord: the
// commit is that of the repo and signed by the key, and the path leads from it to the record. Error: among others
// [ErrNotFound], if the file proves that there is no such record.
func provenRecord(car []byte, did syntax.DID, path string, key atcrypto.PublicKey) (cid.Cid, []byte, error) {
	root, blocks, err := readCAR(car)
	if err != nil {
		return cid.Undef, nil, err
	}
	var commit indigo.Commit
	if err := commit.UnmarshalCBOR(bytes.NewReader(blocks[root])); err != nil {
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
	value, err := descend(blocks, commit.Data, path)
	if err != nil {
		return cid.Undef, nil, err
	}
	block, ok := blocks[value]
	if !ok {
		return cid.Undef, nil, fmt.Errorf("%w: the record is missing", errProof)
	}
	return value, block, nil
}

// descend follows a path down a tree. That it ends is certain: a block can't have its own hash in it.
func descend(blocks map[cid.Cid][]byte, next cid.Cid, path string) (cid.Cid, error) {
	for {
		block, ok := blocks[next]
		if !ok {
			return cid.Undef, fmt.Errorf("%w: node %s is missing", errProof, next)
		}
		n, err := mst.NodeDataFromCBOR(bytes.NewReader(block))
		if err != nil {
			return cid.Undef, fmt.Errorf("%w: node %s: %w", errProof, next, err)
		}
		value, child, err := lookup(n, path)
		if err != nil || value.Defined() {
			return value, err
		}
		if child == nil {
			return cid.Undef, fmt.Errorf("%w: no record", ErrNotFound)
		}
		next = *child
	}
}

// lookup finds a path in a node, or the child below which it would be.
func lookup(n *mst.NodeData, path string) (value cid.Cid, child *cid.Cid, err error) {
	var key []byte
	child = n.Left
	for _, e := range n.Entries {
		if e.PrefixLen < 0 || e.PrefixLen > int64(len(key)) {
			return cid.Undef, nil, fmt.Errorf("%w: prefix of a key that is longer than the key before", errProof)
		}
		key = append(key[:e.PrefixLen:e.PrefixLen], e.KeySuffix...)
		switch {
		case string(key) == path:
			return e.Value, nil, nil
		case string(key) > path:
			return cid.Undef, child, nil
		}
		child = e.Right
	}
	return cid.Undef, child, nil
}

// readCAR reads a CAR file of version 1 with one root, and checks each block against its CID.
func readCAR(car []byte) (cid.Cid, map[cid.Cid][]byte, error) {
	header, rest, err := section(car)
	if err != nil {
		return cid.Undef, nil, err
	}
	root, err := readHeader(header)
	if err != nil {
		return cid.Undef, nil, err
	}
	blocks := map[cid.Cid][]byte{}
	for len(rest) > 0 {
		var b []byte
		if b, rest, err = section(rest); err != nil {
			return cid.Undef, nil, err
		}
		n, c, err := cid.CidFromBytes(b)
		if err != nil {
			return cid.Undef, nil, fmt.Errorf("%w: %w", errProof, err)
		}
		sum, err := blockPrefix.Sum(b[n:])
		if err != nil || !sum.Equals(c) {
			return cid.Undef, nil, fmt.Errorf("%w: block that isn't what its CID says", errProof)
		}
		blocks[c] = b[n:]
	}
	return root, blocks, nil
}

func readHeader(header []byte) (cid.Cid, error) {
	h, err := atdata.UnmarshalCBOR(header)
	if err != nil {
		return cid.Undef, fmt.Errorf("%w: %w", errProof, err)
	}
	roots, _ := h["roots"].([]any)
	if len(roots) != 1 || h["version"] != int64(1) {
		return cid.Undef, fmt.Errorf("%w: not a CAR file of version 1 with one root", errProof)
	}
	root, ok := roots[0].(atdata.CIDLink)
	if !ok {
		return cid.Undef, fmt.Errorf("%w: root that isn't a CID", errProof)
	}
	return cid.Cid(root), nil
}

// section cuts off one part of a CAR file that has its length in front.
func section(b []byte) (part, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n == 0 || n > uint64(len(b)-size) {
		return nil, nil, fmt.Errorf("%w: CAR file that is cut off", errProof)
	}
	return b[size : size+int(n)], b[size+int(n):], nil
}
