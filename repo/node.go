package repo

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// readNode decodes a node of a tree. What it returns can be asked for its Node without a panic, and
// its keys have at most mst.MAX_KEY_BYTES. It doesn't check that the node is in its canonical form,
// or that its keys ascend.
func readNode(block []byte) (*mst.NodeData, error) {
	if err := data.WellFormed(block); err != nil {
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

// openNode decodes a stored node for a partial tree, at a height, or as the root if the height is negative.
func openNode(c cid.Cid, block []byte, height int) (*mst.Node, error) {
	d, err := readNode(block)
	if err != nil {
		return nil, fmt.Errorf("%w: node %s: %w", ErrCorrupt, c, err)
	}
	n := d.Node(&c)
	switch {
	case height >= 0:
		n.Height = height
	case len(n.Entries) == 0:
		n.Height = 0
	case n.Height < 0:
		return nil, fmt.Errorf("%w: root %s without a key", ErrCorrupt, c)
	}
	return &n, nil
}

// checkNode holds a decoded node against all rules that can be told from itself: that its encoding is the canonical
// one, that its keys ascend and are all of its height, that it isn't empty, and that every CID in it names a block of
// a repo. A negative height stands for the root, the only node that may be empty. It returns the node's height.
func checkNode(d *mst.NodeData, block []byte, height int) (int, error) {
	if len(d.Entries) == 0 {
		if height < 0 && d.Left != nil {
			return 0, errors.New("root without a key")
		}
		if height >= 0 && d.Left == nil {
			return 0, errors.New("empty node")
		}
	}
	if d.Left != nil && !data.IsBlockCID(*d.Left) {
		return 0, fmt.Errorf("unexpected CID %s", *d.Left)
	}
	var key, prev []byte
	for i, e := range d.Entries {
		prev = append(prev[:0], key...)
		key = append(key[:e.PrefixLen], e.KeySuffix...)
		if i > 0 && bytes.Compare(prev, key) >= 0 {
			return 0, fmt.Errorf("key %q out of order", key)
		}
		if int(e.PrefixLen) != mst.CountPrefixLen(prev, key) {
			return 0, fmt.Errorf("key %q not compressed canonically", key)
		}
		h := mst.HeightForKey(key)
		if height < 0 {
			height = h
		}
		if h != height {
			return 0, fmt.Errorf("key %q of height %d in a node of height %d", key, h, height)
		}
		if !data.IsBlockCID(e.Value) || e.Right != nil && !data.IsBlockCID(*e.Right) {
			return 0, fmt.Errorf("unexpected CID at key %q", key)
		}
		if height == 0 && e.Right != nil {
			return 0, errors.New("child below height 0")
		}
	}
	if height == 0 && d.Left != nil {
		return 0, errors.New("child below height 0")
	}
	var again bytes.Buffer
	again.Grow(len(block))
	if err := d.MarshalCBOR(&again); err != nil {
		return 0, err
	}
	if !bytes.Equal(again.Bytes(), block) {
		return 0, errors.New("node not encoded canonically")
	}
	return max(height, 0), nil
}

// encodeNode returns a node's block. The CIDs of its children are up to date.
func encodeNode(n *mst.Node) ([]byte, cid.Cid, error) {
	d := n.NodeData()
	var b bytes.Buffer
	b.Grow(64 + 128*len(d.Entries))
	if err := d.MarshalCBOR(&b); err != nil {
		return nil, cid.Undef, fmt.Errorf("repo: %w", err)
	}
	return b.Bytes(), data.SumCID(b.Bytes()), nil
}

// grow gives a branch the twigs of its node.
func (b *branch) grow(d *mst.NodeData) {
	n := 1 + len(d.Entries)
	for _, e := range d.Entries {
		if e.Right != nil {
			n++
		}
	}
	b.twigs = make([]twig, 0, n)
	child := func(c *cid.Cid) {
		if c != nil {
			b.twigs = append(b.twigs, twig{child: &branch{Block: storage.Block{CID: *c}, height: b.height - 1}})
		}
	}
	child(d.Left)
	var key []byte
	for _, e := range d.Entries {
		key = append(key[:e.PrefixLen], e.KeySuffix...)
		b.twigs = append(b.twigs, twig{path: string(key), value: e.Value})
		child(e.Right)
	}
}
