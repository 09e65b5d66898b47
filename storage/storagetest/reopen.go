package storagetest

import (
	"fmt"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// RunReopen proves that a store's content outlives the store. open opens a store on what is in dir, which is empty at
// first, and sees to it that the store is closed when t ends (see [testing.T.Cleanup]); only then it is opened again.
func RunReopen(t *testing.T, open func(t *testing.T, dir string) storage.Store) {
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprint("model/seed ", seed), func(t *testing.T) {
			dir := t.TempDir()
			m := newModel(t, nil, seed)
			for i := range 4 {
				t.Run(fmt.Sprint("opening ", i), func(t *testing.T) {
					m.t, m.store = t, open(t, dir)
					m.compare()
					m.run(60)
				})
				if t.Failed() {
					break
				}
			}
		})
	}
	t.Run("numbers aren't given again", func(t *testing.T) { testReopenNumbers(t, open) })
	t.Run("a replacement that didn't end", func(t *testing.T) { testReopenReplace(t, open) })
}

// testReopenNumbers removes the newest account and the newest event, or skips numbers too, before the store is closed.
func testReopenNumbers(t *testing.T, open func(t *testing.T, dir string) storage.Store) {
	dir := t.TempDir()
	var id, seq int64
	for i := range 3 {
		t.Run(fmt.Sprint("opening ", i), func(t *testing.T) {
			ctx, s := t.Context(), open(t, dir)
			want(t, "LastSeq", must(s.LastSeq(ctx))(t), seq)
			a, _ := newAccount(1)
			next := must(s.CreateAccount(ctx, a))(t)
			if next <= id {
				t.Fatalf("CreateAccount gave ID %d after %d", next, id)
			}
			if log := events(t, s); log[0].Seq <= seq {
				t.Fatalf("an event got number %d after %d", log[0].Seq, seq)
			}
			id, seq = next, must(s.LastSeq(ctx))(t)
			must(s.DeleteAccount(ctx, testDID(1)))(t)
			must(s.TrimEvents(ctx, at(1e6), 1e6))(t)
			want(t, "the log", events(t, s), nil)
			if i > 0 {
				seq += 100
				ok(t, "RaiseSeq", s.RaiseSeq(ctx, seq))
			}
		})
	}
}

// testReopenReplace closes the store after a replacement that failed, whose rows mustn't show up.
func testReopenReplace(t *testing.T, open func(t *testing.T, dir string) storage.Store) {
	dir := t.TempDir()
	r := emptyTree(testDID(1))
	for i := range 3 {
		t.Run(fmt.Sprint("opening ", i), func(t *testing.T) {
			ctx, s := t.Context(), open(t, dir)
			if i > 0 {
				wantRepo(t, s, r)
			}
			r = commit(t, s, r, put("a.b.c/1", fmt.Sprint(i)))
			c, rows, _ := r.replace(put("a.b.c/2", fmt.Sprint(i)), put("d.e.f/1", "one", blobOf("blob")))
			_, err := s.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
				for _, row := range rows {
					if !yield(row, nil) {
						return
					}
				}
				yield(storage.Row{}, ErrFault)
			})
			fails(t, "Replace", err, ErrFault)
			wantRepo(t, s, r)
			wantBlobs(t, s)
		})
	}
}
