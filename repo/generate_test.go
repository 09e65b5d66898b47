package repo

import (
	"bufio"
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// generated is a repo of any size that is built without an engine, from its keys upwards.
type generated struct {
	paths  []string
	heads  storage.Head
	root   *grown
	record func(i int) []byte
}

// grown is a node with all below it.
type grown struct {
	cid   cid.Cid
	block []byte
	left  *grown
	right []*grown // one for each of the records
	index []int
}

// generatedPath is the path of the i-th of n records, in ascending order.
func generatedPath(i, n int) string {
	collection := "app.bsky.feed.like"
	switch {
	case i < n/10:
		collection = "app.bsky.feed.generator"
	case i >= n-n/4:
		collection = "app.bsky.feed.post"
	}
	return collection + "/" + string(syntax.NewTID(1_600_000_000_000_000+int64(i)*1_000_003, 7))
}

func generatedRecord(i int) []byte {
	b, err := atdata.MarshalCBOR(map[string]any{
		"$type":     "app.bsky.feed.like",
		"createdAt": time.UnixMilli(1_600_000_000_000 + int64(i)).UTC().Format(time.RFC3339Nano),
		"subject": map[string]any{
			"cid": "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a",
			"uri": "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/" +
				string(syntax.NewTID(1_600_000_000_000_000+int64(i), 3)),
		},
	})
	if err != nil {
		panic(err)
	}
	return b
}

// generate makes a signed repo of n records.
func generate(t testing.TB, did syntax.DID, n int) *generated {
	t.Helper()
	g := &generated{record: generatedRecord}
	values, heights := make([]cid.Cid, n), make([]int, n)
	top := 0
	for i := range n {
		g.paths = append(g.paths, generatedPath(i, n))
		values[i], heights[i] = data.SumCID(g.record(i)), mst.HeightForKey([]byte(g.paths[i]))
		top = max(top, heights[i])
	}
	var grow func(from, to, height int) *grown
	grow = func(from, to, height int) *grown {
		if from == to && height < top {
			return nil
		}
		var d mst.NodeData
		n := &grown{}
		start, prev := from, ""
		link := func(to int) *cid.Cid {
			child := grow(start, to, height-1)
			if len(n.index) == 0 {
				n.left = child
			} else {
				n.right[len(n.right)-1] = child
			}
			if child == nil {
				return nil
			}
			return &child.cid
		}
		for i := from; i <= to; i++ {
			if i < to && heights[i] != height {
				continue
			}
			if c := link(i); len(n.index) == 0 {
				d.Left = c
			} else {
				d.Entries[len(d.Entries)-1].Right = c
			}
			if i == to {
				break
			}
			p := mst.CountPrefixLen([]byte(prev), []byte(g.paths[i]))
			d.Entries = append(d.Entries, mst.EntryData{
				PrefixLen: int64(p), KeySuffix: []byte(g.paths[i][p:]), Value: values[i],
			})
			n.index, n.right = append(n.index, i), append(n.right, nil)
			start, prev = i+1, g.paths[i]
		}
		var b bytes.Buffer
		check(t, d.MarshalCBOR(&b))
		n.block, n.cid = b.Bytes(), data.SumCID(b.Bytes())
		return n
	}
	g.root = grow(0, n, top)
	e := &Engine{signer: signer()}
	head, err := e.sign(t.Context(), did, "3kaaaaaaaaa22", g.root.cid)
	check(t, err)
	g.heads = head
	return g
}

// write writes the repo as a CAR file in pre-order.
func (g *generated) write(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<20)
	if _, err := out.Write(data.AppendCARHeader(nil, g.heads.Commit)); err != nil {
		return err
	}
	err := g.each(func(c cid.Cid, block []byte) error { return data.WriteCARBlock(out, c, block) })
	if err != nil {
		return err
	}
	return out.Flush()
}

// each calls f with the blocks in pre-order.
func (g *generated) each(f func(cid.Cid, []byte) error) error {
	if err := f(g.heads.Commit, g.heads.Block); err != nil {
		return err
	}
	var visit func(n *grown) error
	visit = func(n *grown) error {
		if n == nil {
			return nil
		}
		if err := f(n.cid, n.block); err != nil {
			return err
		}
		if err := visit(n.left); err != nil {
			return err
		}
		for j, i := range n.index {
			b := g.record(i)
			if err := f(data.SumCID(b), b); err != nil {
				return err
			}
			if err := visit(n.right[j]); err != nil {
				return err
			}
		}
		return nil
	}
	return visit(g.root)
}

func (g *generated) car(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, g.write(&b))
	return b.Bytes()
}

// TestGenerate holds the generator, on which other tests rely, against indigo.
func TestGenerate(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		g := generate(t, alice, n)
		m := make(map[string]cid.Cid)
		for i, p := range g.paths {
			m[p] = data.SumCID(g.record(i))
		}
		full, err := mst.LoadTreeFromMap(m)
		check(t, err)
		root, err := full.RootCID()
		check(t, err)
		if *root != g.heads.Data {
			t.Errorf("%d records: root %s, want %s", n, g.heads.Data, root)
		}
	}
}
