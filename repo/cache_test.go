package repo

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/repo/mst"

	"github.com/pdskit/pdskit/repo/data"
)

// TestCacheBytes: what a tree takes is not estimated at much less, whatever its keys are.
func TestCacheBytes(t *testing.T) {
	for _, rkey := range []int{13, 100, 512} {
		tree := mst.NewEmptyTree()
		value := data.SumCID([]byte("value"))
		for i := range 2000 {
			_, err := tree.Insert(fmt.Appendf(nil, "com.example.note/%s%04d", strings.Repeat("k", rkey-4), i), value)
			check(t, err)
		}
		blocks := make(map[*mst.Node][]byte)
		var encode func(n *mst.Node)
		encode = func(n *mst.Node) {
			for i := range n.Entries {
				if e := &n.Entries[i]; e.Child != nil {
					encode(e.Child)
					e.ChildCID = e.Child.CID
				}
			}
			block, c, err := encodeNode(n)
			check(t, err)
			n.CID, blocks[n] = &c, block
		}
		encode(tree.Root)

		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var loaded []*mst.Node
		var size int64
		for n, block := range blocks {
			again, err := openNode(*n.CID, block, n.Height)
			check(t, err)
			loaded, size = append(loaded, again), size+nodeBytes(again)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		took := int64(after.HeapAlloc) - int64(before.HeapAlloc)
		if size < took*3/4 {
			t.Errorf("record keys of %d bytes: %d bytes are estimated, %d taken", rkey, size, took)
		}
		runtime.KeepAlive(loaded)
		runtime.KeepAlive(blocks)
	}
}
