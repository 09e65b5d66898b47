package repo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/sqlite"
)

func openSQLite(t testing.TB) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.sqlite"), sqlite.Options{Create: true})
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	return store
}

// imported returns an engine over a store in which the repo of alice has n generated records.
func imported(t testing.TB, store accountStore, n int) *Engine {
	t.Helper()
	e := newEngine(t, store)
	createAccount(t, e, store, alice)
	g := generate(t, alice, n)
	r, w := io.Pipe()
	go func() { w.CloseWithError(g.write(w)) }()
	_, err := e.Import(t.Context(), alice, r, ImportOptions{})
	check(t, err)
	return e
}

// newPost is the i-th record that is created after those generated.
func newPost(i int) Op {
	rkey := syntax.NewTID(1_700_000_000_000_000+int64(i)*1_000, 1)
	return Op{Action: Create, Path: "app.bsky.feed.post/" + string(rkey), Value: generatedRecord(i)}
}

// BenchmarkApplyCreate creates records over SQLite: warm, with the tree loaded near the place of the last one, and cold, as
// the first write after a start.
func BenchmarkApplyCreate(b *testing.B) {
	for _, size := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("records=%d", size), func(b *testing.B) {
			store := openSQLite(b)
			e := imported(b, store, size)
			i := 0
			create := func(b *testing.B, e *Engine) {
				_, err := e.Apply(b.Context(), alice, Batch{Ops: []Op{newPost(i)}})
				check(b, err)
				i++
			}
			b.Run("warm", func(b *testing.B) {
				create(b, e)
				read := e.nodesRead.Load()
				b.ReportAllocs()
				for b.Loop() {
					create(b, e)
				}
				b.ReportMetric(float64(e.nodesRead.Load()-read)/float64(b.N), "nodes-read/op")
			})
			b.Run("cold", func(b *testing.B) {
				read := int64(0)
				for b.Loop() {
					b.StopTimer()
					e := newEngine(b, store)
					b.StartTimer()
					create(b, e)
					read += e.nodesRead.Load()
				}
				b.ReportMetric(float64(read)/float64(b.N), "nodes-read/op")
			})
		})
	}
}

// unstored takes every commit for stored, and freeSigner signs for nothing: what is left is the engine.
type unstored struct{ storage.Repos }

func (unstored) Commit(context.Context, storage.Commit) (int64, error) { return 1, nil }

type freeSigner struct{}

func (freeSigner) Sign(context.Context, syntax.DID, []byte) ([]byte, error) {
	return make([]byte, 64), nil
}

// BenchmarkApplyEngine is a warm BenchmarkApplyCreate without storage and signature.
func BenchmarkApplyEngine(b *testing.B) {
	for _, size := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("records=%d", size), func(b *testing.B) {
			store := memory.New()
			imported(b, store, size)
			e := newEngine(b, unstored{store}, func(c *Config) { c.Signer = freeSigner{} })
			ops := make([]Op, b.N)
			for i := range ops {
				ops[i] = newPost(i)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range ops {
				_, err := e.Apply(b.Context(), alice, Batch{Ops: ops[i : i+1]})
				check(b, err)
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	unsigned := make([]byte, 150)
	for b.Loop() {
		_, err := signer().Sign(b.Context(), alice, unsigned)
		check(b, err)
	}
}

func BenchmarkExport10k(b *testing.B) {
	store := openSQLite(b)
	e := imported(b, store, 10_000)
	for b.Loop() {
		check(b, e.Export(b.Context(), alice, "", io.Discard))
	}
}

func BenchmarkVerify10k(b *testing.B) {
	store := openSQLite(b)
	e := imported(b, store, 10_000)
	for b.Loop() {
		check(b, e.Verify(b.Context(), alice, nil))
	}
}

func BenchmarkImport(b *testing.B) {
	const size = 50_000
	car := generate(b, alice, size).car(b)
	run := func(b *testing.B, store accountStore) {
		e := newEngine(b, store)
		createAccount(b, e, store, alice)
		for b.Loop() {
			_, err := e.Import(b.Context(), alice, bytes.NewReader(car), ImportOptions{})
			check(b, err)
		}
		b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	}
	b.Run("sqlite", func(b *testing.B) { run(b, openSQLite(b)) })
	b.Run("memory", func(b *testing.B) { run(b, memory.New()) })
}
