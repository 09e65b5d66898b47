package repo

import (
	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// diff is what a batch has made of a tree.
type diff struct {
	root    cid.Cid
	nodes   []storage.Block // those to be shown to relays, in the order of a walk from the root
	created []storage.Block // those of them that are new
	dropped []cid.Cid       // the stored ones that are no longer part of the tree
}

// flush encodes the nodes that the batch has changed, and those that indigo has marked as needed to invert it.
//
// A mark doesn't mean that a node is new, nor does a new Node value: what is new and what is dropped is told by CID.
func (t *tree) flush() (diff, error) {
	f := flush{tree: t, kept: make(map[cid.Cid]struct{}, 2*len(t.touched))}
	root, err := f.encode(t.mst.Root)
	if err != nil {
		return diff{}, err
	}
	f.diff.root = root
	for _, b := range f.diff.nodes {
		if _, old := t.touched[b.CID]; !old {
			f.diff.created = append(f.diff.created, b)
		}
	}
	for c := range t.touched {
		if _, ok := f.kept[c]; !ok {
			f.diff.dropped = append(f.diff.dropped, c)
		}
	}
	t.recent = f.kept
	return f.diff, nil
}

type flush struct {
	tree *tree
	kept map[cid.Cid]struct{}
	diff diff
}

// encode encodes what is marked at and below n, and returns n's CID.
func (f *flush) encode(n *mst.Node) (cid.Cid, error) {
	if !n.Dirty && n.CID != nil {
		f.keep(n)
		return *n.CID, nil
	}
	f.tree.touch(n)
	at := len(f.diff.nodes)
	f.diff.nodes = append(f.diff.nodes, storage.Block{})
	for i := range n.Entries {
		e := &n.Entries[i]
		if e.Child != nil {
			c, err := f.encode(e.Child)
			if err != nil {
				return cid.Undef, err
			}
			e.ChildCID = &c
		} else if e.ChildCID != nil {
			f.kept[*e.ChildCID] = struct{}{}
		}
		e.Dirty = false
	}
	block, c, err := encodeNode(n)
	if err != nil {
		return cid.Undef, err
	}
	n.CID, n.Dirty = &c, false
	f.kept[c] = struct{}{}
	f.diff.nodes[at] = storage.Block{CID: c, Bytes: block}
	f.tree.bytes += nodeBytes(n)
	return c, nil
}

// keep notes the touched nodes at and below n, where nothing has changed.
func (f *flush) keep(n *mst.Node) {
	f.kept[*n.CID] = struct{}{}
	for i := range n.Entries {
		if child := n.Entries[i].Child; child != nil {
			if _, ok := f.tree.touched[*child.CID]; ok {
				f.keep(child)
			}
		}
	}
}
