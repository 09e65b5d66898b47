package repo

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage/memory"
)

var (
	seed    = flag.Uint64("seed", 0, "seed of the random tests; 0 for a new one each time")
	commits = flag.Int("commits", 1500, "how many random commits to make")
)

func TestMain(m *testing.M) {
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil))) // indigo's verification logs every event
	os.Exit(m.Run())
}

func newRand(t testing.TB) *rand.Rand {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed=%d", s)
	return rand.New(rand.NewPCG(s, s))
}

// model is a repo as it should be: its records, and indigo's own tree with all of them.
type model struct {
	records map[string]cid.Cid
	tree    mst.Tree
	rand    *rand.Rand
	paths   []string // those to choose from
	n       int
}

func newModel(r *rand.Rand, paths int) *model {
	m := &model{records: make(map[string]cid.Cid), tree: mst.NewEmptyTree(), rand: r}
	for i := range paths {
		m.paths = append(m.paths, fmt.Sprintf("com.example.c%d/%013x", i%3, r.Uint32()))
	}
	slices.Sort(m.paths)
	m.paths = slices.Compact(m.paths)
	return m
}

// batch returns random operations on distinct paths, all of them possible, and applies them to the model.
func (m *model) batch(t testing.TB, size int, deleting float64) []Op {
	t.Helper()
	var ops []Op
	for _, i := range m.rand.Perm(len(m.paths))[:min(size, len(m.paths))] {
		path := m.paths[i]
		_, there := m.records[path]
		op := Op{Path: path}
		switch {
		case there && m.rand.Float64() < deleting:
			op.Action = Delete
		case there:
			op.Action = []Action{Update, Put}[m.rand.IntN(2)]
		case m.rand.Float64() < deleting:
			continue // so that a repo may become empty
		default:
			op.Action = []Action{Create, Put}[m.rand.IntN(2)]
		}
		if op.Action == Delete {
			delete(m.records, path)
			_, err := m.tree.Remove([]byte(path))
			check(t, err)
			if m.tree.IsEmpty() {
				m.tree = mst.NewEmptyTree()
			}
		} else {
			m.n++
			op.Value = record(t, fmt.Sprint("record ", m.n))
			m.records[path] = data.SumCID(op.Value)
			_, err := m.tree.Insert([]byte(path), data.SumCID(op.Value))
			check(t, err)
		}
		ops = append(ops, op)
	}
	return ops
}

// TestApplyModel makes random commits, and holds each against indigo's full tree and indigo's inversion of its event.
func TestApplyModel(t *testing.T) {
	for _, cache := range []int64{0, 1 << 18, -1} {
		t.Run(fmt.Sprintf("cache=%d", cache), func(t *testing.T) {
			r := newRand(t)
			configure := func(c *Config) { c.CacheBytes = cache }
			e, store := newRepo(t, configure)
			var m *model
			since, prevData := latest(t, store)
			for n := range *commits / 3 {
				if n%250 == 0 {
					if m != nil {
						empty(t, e, m)
						since, prevData = latest(t, store)
					}
					m = newModel(r, []int{3, 30, 300, 2000}[n/250%4])
				}
				if n%50 == 0 {
					e = newEngine(t, store, configure)
					check(t, e.Verify(t.Context(), alice, signer().public(t)))
				}
				if r.IntN(3) == 0 {
					refused(t, e, m)
				}
				size := []int{1, 1, 1, 2, 3, 5, 20, 60, 200}[r.IntN(9)]
				ops := m.batch(t, size, []float64{0.1, 0.5, 0.9, 1}[n/25%4])
				if len(ops) == 0 {
					continue
				}
				res, err := e.Apply(t.Context(), alice, Batch{Ops: ops})
				if err != nil {
					t.Fatalf("commit %d: %v", n, err)
				}
				since, prevData = checkCommit(t, store, m, res, ops, since, prevData)
			}
			check(t, e.Verify(t.Context(), alice, signer().public(t)))
			full, err := mst.LoadTreeFromMap(m.records)
			check(t, err)
			root, err := full.RootCID()
			check(t, err)
			if *root != prevData {
				t.Errorf("data = %s, a tree of all records has %s", prevData, root)
			}
		})
	}
}

func latest(t testing.TB, store *memory.Store) (string, cid.Cid) {
	t.Helper()
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	return string(head.Rev), head.Data
}

// refused has the engine look all over a repo for nothing.
func refused(t testing.TB, e *Engine, m *model) {
	t.Helper()
	var ops []Op
	for path := range m.records { // in random order
		if len(ops) < 30 {
			ops = append(ops, Op{Action: Create, Path: path, Value: record(t, "refused")})
		}
	}
	_, err := e.Apply(t.Context(), alice, Batch{Ops: ops})
	if len(ops) > 0 && !errors.Is(err, ErrRecordExists) {
		t.Fatalf("error %v, want ErrRecordExists", err)
	}
}

// empty removes all records.
func empty(t testing.TB, e *Engine, m *model) {
	t.Helper()
	var ops []Op
	for path := range maps.Keys(m.records) {
		ops = append(ops, Op{Action: Delete, Path: path})
	}
	for batch := range slices.Chunk(ops, MaxOps) {
		_, err := e.Apply(t.Context(), alice, Batch{Ops: batch})
		check(t, err)
	}
}

func checkCommit(
	t testing.TB, store *memory.Store, m *model, res Result, ops []Op, since string, prevData cid.Cid,
) (string, cid.Cid) {
	t.Helper()
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	root, err := m.tree.RootCID()
	check(t, err)
	if head.Data != *root {
		t.Fatalf("data = %s, indigo's full tree has %s", head.Data, root)
	}
	if !res.Changed || res.Commit != head.Commit || res.Rev != head.Rev {
		t.Fatalf("result %+v doesn't match head %s %s", res, head.Commit, head.Rev)
	}
	msg := decodeCommitEvent(t, eventBySeq(t, store, res.Seq))
	if *msg.Since != since || cid.Cid(*msg.PrevData) != prevData {
		t.Fatalf("since %s, prevData %s; want %s, %s", *msg.Since, msg.PrevData, since, prevData)
	}
	if len(msg.Ops) != len(ops) {
		t.Fatalf("%d ops in the event, want %d", len(msg.Ops), len(ops))
	}
	if _, err := repo.VerifyCommitMessage(t.Context(), msg); err != nil {
		t.Fatalf("inversion of %d ops: %v", len(ops), err)
	}
	return string(head.Rev), head.Data
}
