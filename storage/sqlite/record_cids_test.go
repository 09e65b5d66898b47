package sqlite

import (
	"fmt"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// Records that came in bulk are found by their CIDs and counted, whether these are in record_cids yet or not, and no
// longer once they are deleted or replaced.
func TestBulk(t *testing.T) {
	for _, n := range []int{bulkRecords - 1, bulkRecords, maxFreshCIDs - 1, maxFreshCIDs, maxFreshCIDs + 1} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := open(t, Options{})
			c := firstCommit(did(1), n)
			if _, err := s.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			var all []cid.Cid
			for _, w := range c.Writes {
				all = append(all, w.CID)
			}
			want := func(there int) {
				t.Helper()
				blocks, err := s.Blocks(t.Context(), did(1), all)
				if err != nil || len(blocks) != there {
					t.Errorf("of %d records, %d are found, %v, want %d", n, len(blocks), err, there)
				}
				if stats, err := s.Stats(t.Context(), did(1)); err != nil || stats.Records != int64(n-1) && there < n {
					t.Errorf("%d records are counted, %v, want %d", stats.Records, err, n-1)
				}
			}
			want(n)

			other := makeBlock(-1, 100)
			c = storage.Commit{Prev: c.Head.Commit, Head: head(did(1), 2), Writes: []storage.RecordWrite{
				{Path: path(0)}, {Path: path(1), CID: other.CID, Bytes: other.Bytes},
			}}
			if _, err := s.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			want(n - 2)
			all = append(all, other.CID)
			want(n - 1)
		})
	}
}
