package repo

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

const path = "com.example.record/one"

func apply(t testing.TB, e *Engine, ops ...Op) Result {
	t.Helper()
	res, err := e.Apply(t.Context(), alice, Batch{Ops: ops})
	check(t, err)
	return res
}

func TestApplyResult(t *testing.T) {
	e, store := newRepo(t)
	one, two := record(t, "one"), record(t, "two")
	steps := []struct {
		name string
		op   Op
		want OpResult
	}{
		{"create", Op{Action: Create, Path: path, Value: one}, OpResult{Action: Create, CID: data.SumCID(one)}},
		{"update", Op{Action: Update, Path: path, Value: two}, OpResult{Action: Update, CID: data.SumCID(two), Prev: data.SumCID(one)}},
		{"put over", Op{Action: Put, Path: path, Value: one}, OpResult{Action: Update, CID: data.SumCID(one), Prev: data.SumCID(two)}},
		{"put the same", Op{Action: Put, Path: path, Value: one}, OpResult{CID: data.SumCID(one), Prev: data.SumCID(one)}},
		{"update to the same", Op{Action: Update, Path: path, Value: one}, OpResult{CID: data.SumCID(one), Prev: data.SumCID(one)}},
		{"delete", Op{Action: Delete, Path: path}, OpResult{Action: Delete, Prev: data.SumCID(one)}},
		{"delete nothing", Op{Action: Delete, Path: path}, OpResult{}},
		{"put", Op{Action: Put, Path: path, Value: two}, OpResult{Action: Create, CID: data.SumCID(two)}},
	}
	for _, s := range steps {
		before, err := store.Head(t.Context(), alice)
		check(t, err)
		res := apply(t, e, s.op)
		if diff := cmp.Diff([]OpResult{s.want}, res.Ops, cmpopts.EquateComparable(cid.Cid{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
		after, err := store.Head(t.Context(), alice)
		check(t, err)
		if changed := s.want.Action != ""; res.Changed != changed || (before.Commit != after.Commit) != changed {
			t.Errorf("%s: Changed = %v, head %s, then %s", s.name, res.Changed, before.Commit, after.Commit)
		}
		if res.Commit != after.Commit || res.Rev != after.Rev {
			t.Errorf("%s: result has %s %s, head is %s %s", s.name, res.Commit, res.Rev, after.Commit, after.Rev)
		}
	}
}

// TestApplyRefused shows that a batch that is refused changes nothing, and doesn't spoil the next one.
func TestApplyRefused(t *testing.T) {
	e, store := newRepo(t)
	one := record(t, "one")
	apply(t, e, Op{Action: Create, Path: path, Value: one})
	head, err := store.Head(t.Context(), alice)
	check(t, err)

	ops := func(ops ...Op) Batch { return Batch{Ops: ops} }
	other := Op{Action: Create, Path: "com.example.record/other", Value: one}
	many := make([]Op, MaxOps+1)
	var large []Op
	for _, c := range "abc" {
		text := strings.Repeat(string(c), 700_000)
		large = append(large, Op{Action: Create, Path: "com.example.record/" + string(c), Value: record(t, text)})
	}
	var tooLarge []Op // together within the limit for records, but not with the rest of the commit
	for _, c := range "ab" {
		text := strings.Repeat(string(c), 999_955)
		tooLarge = append(tooLarge, Op{Action: Create, Path: "com.example.record/" + string(c), Value: record(t, text)})
	}
	tests := []struct {
		name  string
		batch Batch
		want  error
	}{
		{"create over", ops(other, Op{Action: Create, Path: path, Value: one}), ErrRecordExists},
		{"update nothing", ops(other, Op{Action: Update, Path: "com.example.record/two", Value: one}), ErrRecordNotFound},
		{"delete nothing among others", ops(other, Op{Action: Delete, Path: "com.example.record/two"}), ErrRecordNotFound},
		{"swap commit", Batch{Ops: []Op{other}, SwapCommit: data.SumCID(one)}, ErrSwapCommit},
		{"swap nothing", ops(Op{Action: Put, Path: path, Value: one, Swap: undef()}), ErrSwapRecord},
		{"swap another", ops(Op{Action: Delete, Path: path, Swap: ptr(head.Commit)}), ErrSwapRecord},
		{"swap of what isn't there", ops(Op{Action: Delete, Path: other.Path, Swap: ptr(head.Commit)}), ErrSwap},
		{"too many", Batch{Ops: many}, ErrTooManyOps},
		{"too large records", Batch{Ops: large}, ErrTooLarge},
		{"too large commit", Batch{Ops: tooLarge}, ErrTooLarge},
		{"no CBOR", ops(Op{Action: Put, Path: path, Value: []byte("\xff")}), ErrInvalidOp},
		{"no object", ops(Op{Action: Put, Path: path, Value: []byte("\x80")}), ErrInvalidOp},
		{"33 levels", ops(Op{Action: Put, Path: path, Value: []byte(strings.Repeat("\xa1\x61a", 32) + "\xa0")}), ErrInvalidOp},
		{"too large record", ops(Op{Action: Put, Path: path, Value: make([]byte, MaxRecordBytes+1)}), ErrTooLarge},
		{"path", ops(Op{Action: Put, Path: "one/two/three", Value: one}), ErrInvalidPath},
		{"same path", ops(other, other), ErrDuplicatePath},
		{"no value", ops(Op{Action: Put, Path: path}), ErrInvalidOp},
		{"value to delete", ops(Op{Action: Delete, Path: path, Value: one}), ErrInvalidOp},
		{"no action", ops(Op{Path: path, Value: one}), ErrInvalidOp},
		{"missing blob", ops(Op{Action: Put, Path: other.Path, Value: one, Blobs: []cid.Cid{data.SumCID(nil)}}), ErrBlobNotFound},
	}
	for _, test := range tests {
		_, err := e.Apply(t.Context(), alice, test.batch)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, want %v", test.name, err, test.want)
		}
		if now, err := store.Head(t.Context(), alice); err != nil || now.Commit != head.Commit {
			t.Errorf("%s: the head is %v, %v", test.name, now, err)
		}
	}
	if _, err := e.Apply(t.Context(), bob, ops(other)); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("unknown repo: error %v, want storage.ErrNotFound", err)
	}

	res, err := e.Apply(t.Context(), alice, Batch{SwapCommit: head.Commit, Ops: []Op{
		{Action: Delete, Path: path, Swap: ptr(data.SumCID(one))}, {Action: Put, Path: other.Path, Value: one, Swap: undef()},
	}})
	check(t, err)
	if !res.Changed {
		t.Error("the batch with right swaps changed nothing")
	}
	check(t, e.Verify(t.Context(), alice, signer().public(t)))
}

func TestApplyEmptyBatch(t *testing.T) {
	e, _ := newRepo(t)
	if res := apply(t, e); res.Changed {
		t.Error("a batch without operations made a commit")
	}
}

// TestRevIncreases makes commits and imports while the clock stands still, goes back, and restarts.
func TestRevIncreases(t *testing.T) {
	clock := newClock()
	now := func(c *Config) { c.Now = clock.Now }
	e, store := newRepo(t, now)
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	last := head.Rev
	next := func(what string, rev syntax.TID) {
		t.Helper()
		if _, err := syntax.ParseTID(string(rev)); err != nil || rev <= last {
			t.Errorf("%s: rev %s after %s", what, rev, last)
		}
		last = rev
	}
	for _, step := range []time.Duration{0, 0, time.Second, -time.Hour, 0, -20 * 365 * 24 * time.Hour, time.Hour} {
		clock.Add(step)
		next("commit", apply(t, e, Op{Action: Put, Path: path, Value: record(t, string(last))}).Rev)
		e = newEngine(t, store, now)
		next("commit after a restart", apply(t, e, Op{Action: Put, Path: path, Value: record(t, string(last))}).Rev)
		res, err := e.Import(t.Context(), alice, strings.NewReader(string(export(t, e, alice, ""))), ImportOptions{})
		check(t, err)
		next("import", res.Rev)
	}
}

func TestNextRev(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tid := func(d time.Duration) syntax.TID { return syntax.NewTIDFromTime(now.Add(d), 1023) }
	tests := []struct {
		prev []syntax.TID
		want syntax.TID
	}{
		{nil, syntax.NewTIDFromTime(now, 0)},
		{[]syntax.TID{"", tid(-time.Second)}, syntax.NewTIDFromTime(now, 0)},
		{[]syntax.TID{tid(0)}, syntax.NewTIDFromTime(now.Add(time.Microsecond), 0)},
		{[]syntax.TID{tid(time.Hour), tid(-time.Hour)}, syntax.NewTIDFromTime(now.Add(time.Hour+time.Microsecond), 0)},
		{[]syntax.TID{maxRev}, syntax.NewTIDFromInteger(maxRev.Integer() + 1<<10)},
	}
	for _, test := range tests {
		if got, err := nextRev(now, test.prev...); err != nil || got != test.want {
			t.Errorf("nextRev(%v) = %s, %v; want %s", test.prev, got, err, test.want)
		}
	}
	if _, err := nextRev(now, "jzzzzzzzzzzzz"); err == nil {
		t.Error("a rev after which there is none was taken")
	}
}

// TestColdWrite bounds what the first write after a start reads of a large repo.
func TestColdWrite(t *testing.T) {
	_, store := newRepo(t)
	e := newEngine(t, store)
	_, err := e.Import(t.Context(), alice, strings.NewReader(string(generate(t, alice, 20_000).car(t))), ImportOptions{})
	check(t, err)
	for _, op := range []Op{
		newPost(0),
		{Action: Put, Path: "com.example.record/first", Value: generatedRecord(0)},
		{Action: Delete, Path: generatedPath(10_000, 20_000)},
		{Action: Update, Path: generatedPath(1, 20_000), Value: generatedRecord(0)},
	} {
		e := newEngine(t, store)
		apply(t, e, op)
		if n := e.nodesRead.Load(); n > 40 {
			t.Errorf("%s of %s reads %d nodes", op.Action, op.Path, n)
		}
	}
	check(t, e.Verify(t.Context(), alice, nil))
}

// TestCacheIsBounded writes all over many repos, and watches what stays in memory.
func TestCacheIsBounded(t *testing.T) {
	const max = 256 << 10
	e, store := newRepo(t, func(c *Config) { c.CacheBytes = max })
	r := newRand(t)
	g := generate(t, alice, 5000)
	_, err := e.Import(t.Context(), alice, strings.NewReader(string(g.car(t))), ImportOptions{})
	check(t, err)
	for _, i := range r.Perm(len(g.paths))[:400] {
		apply(t, e, Op{Action: Update, Path: g.paths[i], Value: record(t, g.paths[i])})
		if n := e.actors.byDID[alice].tree.bytes; n > e.actors.maxTreeBytes() {
			t.Fatalf("a tree takes %d bytes, of %d", n, e.actors.maxTreeBytes())
		}
	}
	for i := range 300 {
		did := syntax.DID("did:web:" + strings.Repeat("x", i+1) + ".test")
		c, err := e.Genesis(t.Context(), did)
		check(t, err)
		_, err = store.CreateAccount(t.Context(), storage.NewAccount{Account: storage.Account{DID: did}, Commit: c})
		check(t, err)
		_, err = e.Apply(t.Context(), did, Batch{Ops: []Op{{Action: Put, Path: path, Value: record(t, "one")}}})
		check(t, err)
		if e.actors.bytes > max {
			t.Fatalf("the cache takes %d bytes", e.actors.bytes)
		}
	}
	if len(e.actors.byDID) < 10 || len(e.actors.byDID) != e.actors.lru.Len() {
		t.Errorf("%d repos are cached, %d in the list", len(e.actors.byDID), e.actors.lru.Len())
	}
	for did := range e.actors.byDID {
		e.Forget(did)
	}
	if e.actors.bytes != 0 || e.actors.lru.Len() != 0 {
		t.Errorf("%d bytes in %d repos are left", e.actors.bytes, e.actors.lru.Len())
	}
}
