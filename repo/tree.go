package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/ipfs/go-cid"
)

// errNodeGone: storage doesn't have a node that the tree names, because the repo has moved on, or is corrupt.
var errNodeGone = errors.New("repo: node not in storage")

// nodeLoader returns the blocks with the given CIDs, in this order, or an error if it can't return all.
type nodeLoader func(ctx context.Context, want []cid.Cid) ([][]byte, error)

// tree is a partial tree: some nodes near the root and near the last changed keys, the others known by CID only.
//
// indigo's operations fail on a node that they need and that isn't loaded, and then leave a tree half changed. So
// everything that an operation may look at is loaded before it: the path to its key down to the bottom, since a new
// key splits what lies under it; and for a removal the inner edges of the two subtrees beside the key, since they
// become one. After any error a tree is useless.
type tree struct {
	mst   mst.Tree
	bytes int64 // at least what the loaded nodes take; exact after prune

	// touched holds the stored nodes that the current batch has come by. What it drops or keeps is among them.
	touched map[cid.Cid]struct{}

	// recent holds the nodes of the new tree that the last batch came by.
	recent map[cid.Cid]struct{}
}

func newTree(root *mst.Node) *tree {
	return &tree{mst: mst.Tree{Root: root}, bytes: nodeBytes(root)}
}

// begin begins a batch. What a refused one has come by may have been unloaded since, so that flush couldn't find it kept.
func (t *tree) begin() { t.touched = make(map[cid.Cid]struct{}, 16) }

// change is a key that is put, or removed.
type change struct {
	key    []byte
	value  cid.Cid // undefined to remove
	remove bool
}

// prepare loads what the changes may look at, one level of the tree at a time.
func (t *tree) prepare(ctx context.Context, load nodeLoader, changes []change) error {
	type hole struct {
		parent *mst.Node
		i      int
	}
	var holes []hole
	var want []cid.Cid
	for {
		holes, want = holes[:0], want[:0]
		seen := make(map[cid.Cid]struct{})
		for _, c := range changes {
			t.trace(c, func(parent *mst.Node, i int) {
				missing := *parent.Entries[i].ChildCID
				if _, dup := seen[missing]; !dup {
					seen[missing] = struct{}{}
					holes, want = append(holes, hole{parent, i}), append(want, missing)
				}
			})
		}
		if len(holes) == 0 {
			return nil
		}
		blocks, err := load(ctx, want)
		if err != nil {
			return err
		}
		for i, h := range holes {
			if h.parent.Height == 0 {
				return fmt.Errorf("%w: node below height 0", ErrCorrupt)
			}
			n, err := openNode(want[i], blocks[i], h.parent.Height-1)
			if err != nil {
				return err
			}
			h.parent.Entries[h.i].Child = n
			t.bytes += nodeBytes(n)
		}
	}
}

// trace walks over the loaded nodes that a change may look at, and reports where one is missing.
func (t *tree) trace(c change, missing func(parent *mst.Node, i int)) {
	visit := func(parent *mst.Node, i int) *mst.Node {
		child := parent.Entries[i].Child
		if child == nil {
			missing(parent, i)
			return nil
		}
		t.touch(child)
		return child
	}
	n := t.mst.Root
	t.touch(n)
	for n != nil {
		i, found := position(n, c.key)
		if found {
			if c.remove {
				for left, j := n, i-1; left != nil && j >= 0 && left.Entries[j].IsChild(); j = lastEntry(left) {
					left = visit(left, j)
				}
				for right, j := n, i+1; right != nil && j < len(right.Entries) && right.Entries[j].IsChild(); j = 0 {
					right = visit(right, j)
				}
			}
			return
		}
		if i == 0 || !n.Entries[i-1].IsChild() {
			return
		}
		n = visit(n, i-1)
	}
}

func lastEntry(n *mst.Node) int {
	if n == nil {
		return -1
	}
	return len(n.Entries) - 1
}

// position returns the index of the first key of a node that isn't below key, or the number of entries, and whether it
// is key. The child over whose range key falls, if there is one, stands right before.
func position(n *mst.Node, key []byte) (int, bool) {
	for i := range n.Entries {
		if e := &n.Entries[i]; e.Value != nil {
			if order := bytes.Compare(key, e.Key); order <= 0 {
				return i, order == 0
			}
		}
	}
	return len(n.Entries), false
}

func (t *tree) touch(n *mst.Node) {
	if n.CID != nil {
		t.touched[*n.CID] = struct{}{}
	}
}

// value returns what is at a key that is prepared, or an undefined CID.
func (t *tree) value(key []byte) (cid.Cid, error) {
	v, err := t.mst.Get(key)
	if err != nil {
		return cid.Undef, fmt.Errorf("repo: %w", err)
	}
	if v == nil {
		return cid.Undef, nil
	}
	return *v, nil
}

// apply makes a change. It prepares anew, as earlier changes of the batch may have brought other nodes near to the key.
func (t *tree) apply(ctx context.Context, load nodeLoader, c change) error {
	if err := t.prepare(ctx, load, []change{c}); err != nil {
		return err
	}
	var err error
	if c.remove {
		_, err = t.mst.Remove(c.key)
	} else {
		_, err = t.mst.Insert(c.key, c.value)
	}
	if err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	if t.mst.IsEmpty() {
		t.mst = mst.NewEmptyTree() // the root that lost its last key keeps a height that no longer means anything
	}
	return nil
}

// prune unloads all but the nodes that the last batch came by, and those too if they take more than max bytes.
func (t *tree) prune(max int64) {
	t.bytes = t.keep(t.mst.Root, func(c cid.Cid) bool { _, ok := t.recent[c]; return ok })
	if t.bytes > max {
		t.bytes = t.keep(t.mst.Root, func(cid.Cid) bool { return false })
	}
}

// keep unloads the nodes under n that aren't to be kept, and returns the size of the rest. All of them are clean.
func (t *tree) keep(n *mst.Node, keep func(cid.Cid) bool) int64 {
	size := nodeBytes(n)
	for i := range n.Entries {
		e := &n.Entries[i]
		switch {
		case e.Child == nil:
		case keep(*e.ChildCID):
			size += t.keep(e.Child, keep)
		default:
			e.Child = nil
		}
	}
	return size
}

// size estimates what the tree takes in memory.
func (t *tree) size() int64 { return t.bytes + 96*int64(len(t.touched)+len(t.recent)) }

// nodeBytes estimates what a node takes in memory: its entries, their keys and their CIDs.
func nodeBytes(n *mst.Node) int64 {
	size := 128 + 192*int64(len(n.Entries))
	for i := range n.Entries {
		size += int64(len(n.Entries[i].Key))
	}
	return size
}
