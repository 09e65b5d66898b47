package storagetest

import (
	"fmt"
	"iter"
	"math"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// costs are promises that a reading which finds little costs little. They are tested by comparison
// with one that reads everything in the same store at the same moment, which by a store that keeps
// them takes hundreds of times as long.
var costs = []sentence{
	{"Events.ListEvents", "cost", "With a DID, its cost grows with that account's events, not with the log.",
		testCostEvents},
	{"RepoReader.Records", "cost by subject and by blob", "Records yields the records of a range", testCostIndexed},
	{"RepoReader.Collections", "cost", "Its cost grows with their number, not with that of the records.",
		testCostCollections},
}

func runCosts(t *testing.T, open func(t *testing.T) storage.Store) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	runSentences(t, costs, open)
}

// wantCheap fails the test if few takes nearly as long as all does: more than a twentieth. It tries
// for a while, since the machine may be busy.
func wantCheap(t *testing.T, what string, few, all func()) {
	t.Helper()
	fastest := func(best time.Duration, f func()) time.Duration {
		begin := time.Now()
		f()
		return min(best, time.Since(begin))
	}
	cheap, dear := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for i := range 50 {
		dear = fastest(dear, all)
		for range 5 {
			cheap = fastest(cheap, few)
		}
		if i >= 2 && cheap < dear/20 {
			return
		}
	}
	t.Errorf("%s takes %v, and to read everything %v", what, cheap, dear)
}

func testCostEvents(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range 20 {
		var batch []storage.Event
		for j := range 1000 {
			e := testEvent(testDID(1+j%7), storage.EventAccount, j)
			if j == 500 && i%4 == 0 {
				e.DID = testDID(0)
			}
			e.Body = append(e.Body, make([]byte, 300)...)
			batch = append(batch, e)
		}
		must(s.AppendEvents(ctx, batch...))(t)
	}
	read := func(did syntax.DID, number int) func() {
		return func() { wantNumber(t, "events", number, s.ListEvents(ctx, storage.EventRange{DID: did})) }
	}
	wantCheap(t, "ListEvents of an account that has 5 of 20,000", read(testDID(0), 5), read("", 20_000))
}

// costRepo fills a repo with many records, of which three name a subject and refer to a blob.
func costRepo(t *testing.T, s storage.Store) (all func()) {
	t.Helper()
	const number = 10_000
	var writes []storage.RecordWrite
	for i := range number {
		w := about(fmt.Sprintf("a.b.c/%05d", i), fmt.Sprint(i, string(make([]byte, 300))), "common")
		if i%4000 == 1 {
			w = about(w.Path, fmt.Sprint(i), "rare", blobOf("rare"))
		}
		writes = append(writes, w)
	}
	c, rows, _ := create(t, s, 1).replace(append(writes, put("d.e.f/1", "other"))...)
	must(s.Replace(t.Context(), c, rowsOf(rows)))(t)
	maintain(t, s)
	return func() {
		wantNumber(t, "records", number+1, s.Records(t.Context(), testDID(1), storage.RecordRange{}))
	}
}

// wantNumber counts what a listing yields, and does nothing else that costs time.
func wantNumber[V any](t *testing.T, what string, number int, seq iter.Seq2[V, error]) {
	n := 0
	for _, err := range seq {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		n++
	}
	if n != number {
		t.Fatalf("there are %d %s, want %d", n, what, number)
	}
}

func testCostIndexed(t *testing.T, s storage.Store) {
	all := costRepo(t, s)
	for in, number := range map[storage.RecordRange]int{
		{Collection: "a.b.c", Subject: "rare"}: 3, {Blob: blobOf("rare")}: 3, {Collection: "a.b.c", Subject: "none"}: 0,
	} {
		few := func() { wantNumber(t, "records", number, s.Records(t.Context(), testDID(1), in)) }
		wantCheap(t, fmt.Sprintf("Records in %+v", in), few, all)
	}
}

func testCostCollections(t *testing.T, s storage.Store) {
	all := costRepo(t, s)
	wantCheap(t, "Collections", func() {
		want(t, "Collections", must(s.Collections(t.Context(), testDID(1)))(t), []syntax.NSID{"a.b.c", "d.e.f"})
	}, all)
}
