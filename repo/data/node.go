package data

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/ipfs/go-cid"
)

// ReadNode decodes a node of a tree. What it returns can be asked for its Node without a panic, and its keys have at most
// mst.MAX_KEY_BYTES. It doesn't check that the node is in its canonical form, or that its keys ascend.
//
// Spec: https://atproto.com/specs/repository#mst-structure
func ReadNode(block []byte) (*mst.NodeData, error) {
	if err := WellFormed(block); err != nil {
		return nil, err
	}
	d, err := mst.NodeDataFromCBOR(bytes.NewReader(block))
	if err != nil {
		return nil, err
	}
	prev := 0
	for _, e := range d.Entries {
		if e.PrefixLen < 0 || e.PrefixLen > int64(prev) {
			return nil, errors.New("prefix longer than the key before")
		}
		prev = int(e.PrefixLen) + len(e.KeySuffix)
		if prev == 0 || prev > mst.MAX_KEY_BYTES {
			return nil, errors.New("key too short or too long")
		}
	}
	return d, nil
}

// MaxHeight is one more than the greatest height that a key's hash can give: no path down a tree has more nodes.
const MaxHeight = 129

var errHeight = errors.New("tree higher than any key")

// Lookup follows a path down a tree from its root node, and returns the CID of the record there, which is undefined if there
// is none. It asks for the blocks of the nodes on its way with block, which has to return what the CID names.
//
// Errors: that a node is malformed or the tree too high; those of block, as they are.
func Lookup(root cid.Cid, path string, block func(cid.Cid) ([]byte, error)) (cid.Cid, error) {
	next := &root
	for range MaxHeight {
		b, err := block(*next)
		if err != nil {
			return cid.Undef, err
		}
		n, err := ReadNode(b)
		if err != nil {
			return cid.Undef, fmt.Errorf("node %s: %w", next, err)
		}
		var value cid.Cid
		if value, next = find(n, path); value.Defined() || next == nil {
			return value, nil
		}
	}
	return cid.Undef, errHeight
}

// find finds a path in a node, or the child below which it would be.
func find(n *mst.NodeData, path string) (value cid.Cid, child *cid.Cid) {
	var key []byte
	child = n.Left
	for _, e := range n.Entries {
		key = append(key[:e.PrefixLen], e.KeySuffix...)
		switch {
		case string(key) == path:
			return e.Value, nil
		case string(key) > path:
			return cid.Undef, child
		}
		child = e.Right
	}
	return cid.Undef, child
}
