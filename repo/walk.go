package repo

import (
	"context"
	"fmt"
	"io"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// branch is a node of a tree that is being walked. Until it is loaded, just its CID is known.
type branch struct {
	storage.Block
	height int // negative for the root until it is loaded
	loaded bool
	twigs  []twig
}

// twig is what hangs on a node: a record, or another node.
type twig struct {
	path  string
	value cid.Cid
	child *branch
}

// walk goes over a tree in pre-order: every node before what hangs on it, in the order of the keys. That is the order
// in which a reader of the tree asks for its blocks.
//
// Nodes are loaded ahead, those that come next, many at a time. What is held of them is bounded by the tree's height,
// not by its size.
type walk struct {
	// load returns the blocks with the given CIDs, in this order, or an error if it can't return all.
	load func(want []cid.Cid) ([]storage.Block, error)

	// read decodes a loaded node. Branches that it leaves without twigs end the walk there.
	read func(*branch) error

	ahead int // how many nodes to load at once, at most
	root  *branch
	stack []*visit

	batch int   // how many nodes to load next time
	held  int64 // bytes of loaded nodes that are yet to be visited
	wide  int64 // bytes of the largest node so far
}

const (
	wholeAhead = 256      // nodes to load at once in a walk over most of a tree
	maxHeld    = 16 << 20 // bytes of nodes that may be held before they are loaded one by one
)

type visit struct {
	*branch
	next int // twig
}

func newWalk(root cid.Cid, ahead int, load func([]cid.Cid) ([]storage.Block, error), read func(*branch) error) *walk {
	return &walk{
		load: load, read: read, ahead: ahead, batch: 1,
		root: &branch{Block: storage.Block{CID: root}, height: -1},
	}
}

// step is a node or a record that the walk has come to.
type step struct {
	node  *branch // nil for a record
	path  string
	value cid.Cid
	in    *visit // the node that the record hangs on
}

// next returns the next step, or io.EOF.
func (w *walk) next() (step, error) {
	if w.root != nil {
		root := w.root
		w.root = nil
		return w.enter(root)
	}
	for len(w.stack) > 0 {
		top := w.stack[len(w.stack)-1]
		if top.next == len(top.twigs) {
			w.stack = w.stack[:len(w.stack)-1]
			continue
		}
		t := &top.twigs[top.next]
		top.next++
		if t.child == nil {
			return step{path: t.path, value: t.value, in: top}, nil
		}
		child := t.child
		t.child = nil // the walk's last use of it
		return w.enter(child)
	}
	return step{}, io.EOF
}

func (w *walk) enter(b *branch) (step, error) {
	if !b.loaded {
		if err := w.fetch(b); err != nil {
			return step{}, err
		}
	}
	w.held -= int64(len(b.Bytes))
	w.stack = append(w.stack, &visit{branch: b})
	return step{node: b}, nil
}

// fetch loads b, and nodes that the walk will come to after it.
func (w *walk) fetch(b *branch) error {
	n := w.batch
	if w.held+int64(n)*w.wide > maxHeld {
		n = 1
	}
	w.batch = min(2*w.batch, w.ahead)
	missing := collect(nil, b, n)
	for i := len(w.stack) - 1; i >= 0 && len(missing) < n; i-- {
		missing = collectTwigs(missing, w.stack[i].twigs[w.stack[i].next:], n)
	}
	want := make([]cid.Cid, len(missing))
	for i, m := range missing {
		want[i] = m.CID
	}
	blocks, err := w.load(want)
	if err != nil {
		return err
	}
	for i, m := range missing {
		m.Block, m.loaded = blocks[i], true
		w.held += int64(len(m.Bytes))
		w.wide = max(w.wide, int64(len(m.Bytes)))
		if err := w.read(m); err != nil {
			return fmt.Errorf("node %s: %w", m.CID, err)
		}
	}
	return nil
}

// collect appends the nodes at and below b that aren't loaded, in the order of the walk, until there are n.
func collect(missing []*branch, b *branch, n int) []*branch {
	if !b.loaded {
		return append(missing, b)
	}
	return collectTwigs(missing, b.twigs, n)
}

func collectTwigs(missing []*branch, twigs []twig, n int) []*branch {
	for i := range twigs {
		if len(missing) >= n {
			break
		}
		if c := twigs[i].child; c != nil {
			missing = collect(missing, c, n)
		}
	}
	return missing
}

// read decodes a node that comes from this package, by way of storage, or fails if it can't be one.
func (b *branch) read() error {
	d, err := readNode(b.Bytes)
	if err != nil {
		return err
	}
	b.grow(d)
	return nil
}

// readForeign decodes a node that may be anything, and checks all that can be told from itself.
func (b *branch) readForeign() error {
	d, err := readNode(b.Bytes)
	if err != nil {
		return err
	}
	if b.height, err = checkNode(d, b.Bytes, b.height); err != nil {
		return err
	}
	b.grow(d)
	return nil
}

// storedWalk walks over a stored tree.
func storedWalk(
	ctx context.Context, r storage.RepoReader, did syntax.DID, root cid.Cid, ahead int, read func(*branch) error,
) *walk {
	load := func(want []cid.Cid) ([]storage.Block, error) {
		got, err := r.Blocks(ctx, did, want)
		if err != nil {
			return nil, err
		}
		for i, c := range want {
			if i >= len(got) || got[i].CID != c {
				return nil, fmt.Errorf("%w: no node %s", ErrCorrupt, c)
			}
		}
		return got, nil
	}
	return newWalk(root, ahead, load, func(b *branch) error {
		if err := read(b); err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return nil
	})
}
