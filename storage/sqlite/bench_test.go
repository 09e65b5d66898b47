package sqlite

import (
	"fmt"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// committer makes commits of one record to one repo: 6 new nodes, 5 dropped ones and an event of 4 KB.
type committer struct {
	repo, n int
	prev    cid.Cid
	nodes   []cid.Cid
}

func (k *committer) next() storage.Commit {
	d := did(k.repo)
	k.n++
	c := storage.Commit{Prev: k.prev, Head: head(d, k.n), Events: []storage.Event{event(d, 4000)}}
	for i := range 6 {
		c.NewNodes = append(c.NewNodes, makeBlock(k.n*8+i, 600))
	}
	if len(k.nodes) > 0 {
		c.DropNodes = k.nodes[:5]
	}
	k.nodes = nil
	for _, n := range c.NewNodes {
		k.nodes = append(k.nodes, n.CID)
	}
	r := makeBlock(k.n*8+7, 300)
	c.Writes = []storage.RecordWrite{{Path: path(k.n), CID: r.CID, Bytes: r.Bytes}}
	k.prev = c.Head.Commit
	return c
}

// BenchmarkCommitGrouped writes to many repos at once.
func BenchmarkCommitGrouped(b *testing.B) {
	s := open(b, Options{})
	before := s.Counters()
	var repos atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		k := committer{repo: int(repos.Add(1))}
		for pb.Next() {
			if _, err := s.Commit(b.Context(), k.next()); err != nil {
				b.Error(err)
				return
			}
		}
	})
	after := s.Counters()
	b.ReportMetric(float64(after.Writes-before.Writes)/float64(after.Transactions-before.Transactions), "writes/flush")
}

// BenchmarkCommitWork measures the writer's own work: a transaction of 64 commits to 64 repos, without queue and flush.
func BenchmarkCommitWork(b *testing.B) { benchmarkCommit(b, func(*storage.Commit) {}) }

// BenchmarkCommitGuarded is BenchmarkCommitWork with a condition on the account.
func BenchmarkCommitGuarded(b *testing.B) {
	g := &storage.Guard{Statuses: []storage.AccountStatus{storage.StatusActive}}
	benchmarkCommit(b, func(c *storage.Commit) { c.Guard = g })
}

// BenchmarkCommitSubject is BenchmarkCommitWork with records that name a subject.
func BenchmarkCommitSubject(b *testing.B) {
	n := 0
	benchmarkCommit(b, func(c *storage.Commit) {
		n++
		c.Writes[0].Subject = fmt.Sprintf("at://%s/%s", did(n), path(n))
	})
}

func benchmarkCommit(b *testing.B, change func(*storage.Commit)) {
	s := open(b, Options{})
	ks := make([]committer, 64)
	for i := range ks {
		ks[i].repo = i
		first := ks[i].next()
		_, err := s.CreateAccount(b.Context(), storage.NewAccount{Account: storage.Account{DID: first.Head.DID}, Commit: first})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Account(b.Context(), first.Head.DID); err != nil { // as who is about to write does
			b.Fatal(err)
		}
	}
	db := s.writer.db
	if err := db.run(`PRAGMA synchronous = normal`); err != nil {
		b.Fatal(err)
	}
	commits := make([]storage.Commit, len(ks))
	for n := 0; b.Loop(); n++ {
		if n%len(ks) == 0 {
			b.StopTimer()
			for i := range ks {
				commits[i] = ks[i].next()
				change(&commits[i])
			}
			b.StartTimer()
			if n > 0 {
				if err := db.run(`COMMIT`); err != nil {
					b.Fatal(err)
				}
			}
			if err := db.run(`BEGIN IMMEDIATE`); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := commit(db, commits[n%len(ks)]); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.run(`COMMIT`); err != nil {
		b.Fatal(err)
	}
}

const benchRecords = 100_000

// replaced opens a database with one repo of n records, the fourth part as many nodes.
func replaced(b *testing.B, n int) *Store {
	s := open(b, Options{})
	if _, err := s.Replace(b.Context(), storage.Commit{Head: head(did(1), 1)}, repoRows(n)); err != nil {
		b.Fatal(err)
	}
	return s
}

func repoRows(n int) iter.Seq2[storage.Row, error] {
	return func(yield func(storage.Row, error) bool) {
		for i := range n {
			if i%4 == 0 {
				node := makeBlock(10_000_000+i, 500)
				if !yield(storage.Row{Node: &node}, nil) {
					return
				}
			}
			r := makeBlock(i, 300)
			if !yield(storage.Row{Record: &storage.RecordWrite{Path: path(i), CID: r.CID, Bytes: r.Bytes}}, nil) {
				return
			}
		}
	}
}

// BenchmarkReplace imports repos of various sizes; an op is a record.
func BenchmarkReplace(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b, Options{})
			i := 0
			for b.Loop() {
				i++
				if _, err := s.Replace(b.Context(), storage.Commit{Head: head(did(i), 1)}, repoRows(n)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n*b.N), "µs/record")
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	s := replaced(b, benchRecords)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i = (i + 7919) % benchRecords
		if _, err := s.Record(b.Context(), did(1), path(i)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRecords scans a repo.
func BenchmarkRecords(b *testing.B) {
	s := replaced(b, benchRecords)
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range s.Records(b.Context(), did(1), storage.RecordRange{}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(benchRecords*b.N), "µs/record")
}

func BenchmarkBlocks8(b *testing.B) {
	s := replaced(b, benchRecords)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		want := make([]cid.Cid, 8)
		for j := range want {
			i = (i + 4*7919) % benchRecords
			want[j] = makeBlock(10_000_000+i, 500).CID
		}
		got, err := s.Blocks(b.Context(), did(1), want)
		if err != nil || len(got) != 8 {
			b.Fatal(len(got), err)
		}
	}
}
