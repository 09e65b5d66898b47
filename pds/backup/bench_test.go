package backup

import (
	"fmt"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// BenchmarkCommit measures what it takes to verify a commit and to have it on the disk, in one run of many.
func BenchmarkCommit(b *testing.B) {
	for _, records := range []int{10, 10_000} {
		b.Run(fmt.Sprint(records, " records"), func(b *testing.B) {
			w := newWorld(b)
			alice := w.signUp(b, "alice")
			put := func(i int) {
				_, _, err := w.Repo(alice.did).Put(b.Context(), post, syntax.RecordKey(fmt.Sprint("k", i)), object{"text": fmt.Sprint(i)})
				check(b, err)
			}
			for i := range records {
				put(i)
			}
			to := newDir(b)
			check(b, w.mirror(b, w.local(), to).Sync(b.Context()))
			for i := range b.N {
				put(records + i)
			}
			b.ResetTimer()
			check(b, w.mirror(b, w.local(), to).Sync(b.Context()))
		})
	}
}
