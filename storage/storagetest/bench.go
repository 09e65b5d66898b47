package storagetest

import (
	"fmt"
	"iter"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

// Benchmark measures a backend. open returns an empty store that is used by one benchmark alone, and that has cleaned up
// after itself when b ends.
//
//   - Commit: one record to one repo, one commit after the other;
//   - CommitParallel: the same to 32 repos at once;
//   - Record, Records (100 of them), Blocks (8 nodes): reads of a repo of 10,000 records;
//   - Replace: a repo of 10,000 records, with rows/s;
//   - ListEvents: the whole log, with events/s;
//   - ListEventsOf: ten events of one account, in a log of 5,000;
//   - WaitEvents: from the call of UpdateAccount, with an event, until one who waits has it;
//   - PutDocument: one after the other.
func Benchmark(b *testing.B, open func(b *testing.B) storage.Store) {
	b.Run("Commit", func(b *testing.B) { benchmarkCommit(b, open(b)) })
	b.Run("CommitParallel", func(b *testing.B) { benchmarkCommitParallel(b, open(b)) })
	b.Run("Record", func(b *testing.B) { benchmarkRecord(b, open(b)) })
	b.Run("Records", func(b *testing.B) { benchmarkRecords(b, open(b)) })
	b.Run("Blocks", func(b *testing.B) { benchmarkBlocks(b, open(b)) })
	b.Run("Replace", func(b *testing.B) { benchmarkReplace(b, open(b)) })
	b.Run("ListEvents", func(b *testing.B) { benchmarkListEvents(b, open(b)) })
	b.Run("ListEventsOf", func(b *testing.B) { benchmarkListEventsOf(b, open(b)) })
	b.Run("WaitEvents", func(b *testing.B) { benchmarkWaitEvents(b, open(b)) })
	b.Run("PutDocument", func(b *testing.B) { benchmarkPutDocument(b, open(b)) })
}

// chain makes commits of one repo, each of which writes a record and four nodes in place of four others, as in a
// repo of some ten thousand records. It keeps nothing but the newest, so that it costs the same however long it gets.
type chain struct {
	did   syntax.DID
	n     int
	head  cid.Cid
	nodes []cid.Cid
}

func (c *chain) next() storage.Commit {
	c.n++
	rev, name := testRev(c.n), fmt.Sprint(c.did, " ", c.n)
	out := storage.Commit{Prev: c.head, DropNodes: c.nodes}
	c.nodes = nil
	for i := range 4 {
		data := list(name, fmt.Sprint(i), string(make([]byte, 600)))
		out.NewNodes = append(out.NewNodes, storage.Block{CID: testCID(cid.DagCBOR, data), Bytes: data})
		c.nodes = append(c.nodes, out.NewNodes[i].CID)
	}
	block := list(name, string(make([]byte, 200)))
	c.head = testCID(cid.DagCBOR, block)
	out.Head = storage.Head{DID: c.did, Commit: c.head, Rev: rev, Data: c.nodes[0], Block: block}
	out.Writes = []storage.RecordWrite{put("app.bsky.feed.post/"+rev.String(), name+string(make([]byte, 300)))}
	out.Events = []storage.Event{{DID: c.did, Kind: storage.EventCommit, Time: at(c.n), Body: make([]byte, 3000)}}
	return out
}

func benchmarkCommit(b *testing.B, s storage.Store) {
	c := &chain{did: testDID(0)}
	for b.Loop() {
		if _, err := s.Commit(b.Context(), c.next()); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkCommitParallel(b *testing.B, s storage.Store) {
	var repos atomic.Int64
	b.SetParallelism((32 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.RunParallel(func(p *testing.PB) {
		c := &chain{did: testDID(int(repos.Add(1)))}
		for p.Next() {
			if _, err := s.Commit(b.Context(), c.next()); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

const (
	benchRecords = 10_000
	benchNodes   = benchRecords / 4
)

// fill gives a repo its records and nodes, and returns the nodes' CIDs.
func fill(b *testing.B, s storage.Store, c *chain) (nodes []cid.Cid) {
	b.Helper()
	next := c.next()
	next.NewNodes, next.DropNodes, next.Writes = nil, nil, nil
	if _, err := s.Replace(b.Context(), next, benchRows(&nodes)); err != nil {
		b.Fatal(err)
	}
	return nodes
}

func benchPath(i int) string { return "app.bsky.feed.post/" + testRev(i).String() }

// benchRows yields the rows of a repo, and adds its nodes' CIDs to nodes.
func benchRows(nodes *[]cid.Cid) iter.Seq2[storage.Row, error] {
	return func(yield func(storage.Row, error) bool) {
		for i := range benchRecords {
			w := put(benchPath(i), fmt.Sprint(i, " ", string(make([]byte, 300))))
			if !yield(storage.Row{Record: &w}, nil) {
				return
			}
		}
		for i := range benchNodes {
			data := list(fmt.Sprint("node ", i), string(make([]byte, 400)))
			n := storage.Block{CID: testCID(cid.DagCBOR, data), Bytes: data}
			*nodes = append(*nodes, n.CID)
			if !yield(storage.Row{Node: &n}, nil) {
				return
			}
		}
	}
}

func benchmarkRecord(b *testing.B, s storage.Store) {
	fill(b, s, &chain{did: testDID(0)})
	i := 0
	for b.Loop() {
		i = (i + 7919) % benchRecords
		if _, err := s.Record(b.Context(), testDID(0), benchPath(i)); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkRecords(b *testing.B, s storage.Store) {
	fill(b, s, &chain{did: testDID(0)})
	i := 0
	for b.Loop() {
		i = (i + 7919) % (benchRecords - 101)
		in := storage.RecordRange{
			Collection: "app.bsky.feed.post", After: syntax.RecordKey(testRev(i).String()), Limit: 100,
		}
		n := 0
		for _, err := range s.Records(b.Context(), testDID(0), in) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 100 {
			b.Fatalf("%d records", n)
		}
	}
}

func benchmarkBlocks(b *testing.B, s storage.Store) {
	nodes := fill(b, s, &chain{did: testDID(0)})
	i := 0
	for b.Loop() {
		var ask []cid.Cid
		for range 8 {
			i = (i + 7919) % len(nodes)
			ask = append(ask, nodes[i])
		}
		if blocks, err := s.Blocks(b.Context(), testDID(0), ask); err != nil || len(blocks) != 8 {
			b.Fatalf("%d blocks, %v", len(blocks), err)
		}
	}
}

func benchmarkReplace(b *testing.B, s storage.Store) {
	c := &chain{did: testDID(0)}
	n := 0
	for b.Loop() {
		fill(b, s, c)
		n += benchRecords + benchNodes
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
