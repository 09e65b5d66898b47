package storagetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

// writes returns random writes of records, with blobs if they may be missing.
func (m *model) writes(blobs bool) (writes []storage.RecordWrite) {
	for range m.random.IntN(4) {
		path := choose(m, modelCollections) + "/" + choose(m, modelNames)
		if slices.ContainsFunc(writes, func(w storage.RecordWrite) bool { return w.Path == path }) {
			continue
		}
		if m.chance(30) {
			writes = append(writes, del(path))
			continue
		}
		var refs []cid.Cid
		for range m.random.IntN(3) {
			if c := blobOf(choose(m, modelBlobs)); blobs && !slices.Contains(refs, c) {
				refs = append(refs, c)
			}
		}
		n := m.random.IntN(4) // records of the same bytes name the same subject
		writes = append(writes, about(path, fmt.Sprint(n), modelSubjects[n%3], refs...))
	}
	return writes
}

// missing returns the error of a commit that refers to blobs that aren't there.
func (m *model) missing(c storage.Commit) error {
	for _, w := range c.Writes {
		for _, b := range w.Blobs {
			if !c.AllowMissingBlobs && !m.has(storage.BlobID{DID: c.Head.DID, CID: b}) {
				return storage.ErrNotFound
			}
		}
	}
	return nil
}

func (m *model) commit() {
	did := choose(m, modelDIDs)
	if m.account(did) == nil {
		did = choose(m, modelDIDs) // most commits are to repos that are there
	}
	if m.account(did) == nil {
		return // a repo without an account isn't what a server makes
	}
	r := m.tree(did)
	c, next := r.commit(m.writes(true)...)
	c.AllowMissingBlobs = m.chance(50)
	expected := m.missing(c)
	if m.chance(10) {
		c.Prev = choose(m, []cid.Cid{cid.Undef, blobOf("no commit"), r.head.Data})
		expected = storage.ErrConflict
	}
	var met bool
	if c.Guard, met = m.guard(did); !met {
		expected = storage.ErrGuard
	}
	m.note("Commit %s, prev %s, allow missing %v, %d nodes, %d dropped, %s", did, c.Prev, c.AllowMissingBlobs,
		len(c.NewNodes), len(c.DropNodes), describe(c.Writes))
	seq, err := m.store.Commit(m.t.Context(), c)
	if m.failed(err, expected) {
		return
	}
	m.setTree(next)
	m.appended(seq, c.Events...)
}

func describe(writes []storage.RecordWrite) (s string) {
	for _, w := range writes {
		s += fmt.Sprintf(" %s=%v%v", w.Path, w.CID, cidStrings(w.Blobs))
	}
	return s
}

func (m *model) replace() {
	did := choose(m, modelDIDs)
	if m.account(did) == nil {
		return
	}
	writes := slices.DeleteFunc(m.writes(true), func(w storage.RecordWrite) bool { return !w.CID.Defined() })
	c, rows, next := m.tree(did).replace(writes...)
	var expected error
	yielded := len(rows)
	failure := errors.New("rows failed")
	if m.chance(20) {
		yielded, expected = m.random.IntN(len(rows)), failure
	} else {
		if m.chance(10) {
			c.Prev, expected = blobOf("no commit"), storage.ErrConflict
		}
		var met bool
		if c.Guard, met = m.guard(did); !met {
			expected = storage.ErrGuard
		}
	}
	m.note("Replace %s, prev %s, %d of %d rows, %s", did, c.Prev, yielded, len(rows), describe(writes))
	seq, err := m.store.Replace(m.t.Context(), c, func(yield func(storage.Row, error) bool) {
		for _, r := range rows[:yielded] {
			if !yield(r, nil) {
				return
			}
		}
		if yielded < len(rows) {
			yield(storage.Row{}, failure)
		}
	})
	if errors.Is(err, failure) {
		err = failure // it may be wrapped
	}
	if m.failed(err, expected) {
		return
	}
	m.setTree(next)
	m.appended(seq, c.Events...)
}

func (m *model) setTakedown() {
	did, path := choose(m, modelDIDs), choose(m, modelCollections)+"/"+choose(m, modelNames)
	if paths := slices.Sorted(maps.Keys(m.tree(did).records)); len(paths) > 0 && m.chance(80) {
		path = choose(m, paths)
	}
	ref := choose(m, modelRefs)
	var expected error
	if _, there := m.tree(did).records[path]; !there {
		expected = storage.ErrNotFound
	}
	m.note("SetTakedown %s %s %q", did, path, ref)
	if err := m.store.SetTakedown(m.t.Context(), storage.Takedown{DID: did, Path: path, Ref: ref}); !m.failed(err, expected) {
		m.repos[did] = m.repos[did].takeDown(path, ref)
	}
}

func (m *model) appendEvents() {
	var e []storage.Event
	for range m.random.IntN(4) {
		e = append(e, testEvent(choose(m, modelDIDs), storage.EventSync, m.random.IntN(99)))
	}
	// Without a repo there's no #sync to follow, so that Check knows what to look for.
	e = slices.DeleteFunc(e, func(e storage.Event) bool { return m.repos[e.DID] == nil })
	m.note("AppendEvents, %d events", len(e))
	seq, err := m.store.AppendEvents(m.t.Context(), e...)
	m.failed(err, nil)
	m.appended(seq, e...)
}

func (m *model) raiseSeq() {
	seq := m.lastSeq + int64(m.random.IntN(100)) - 20
	m.note("RaiseSeq %d", seq)
	if seq < 0 {
		if m.store.RaiseSeq(m.t.Context(), seq) == nil {
			m.t.Fatalf("RaiseSeq takes %d", seq)
		}
		return
	}
	m.failed(m.store.RaiseSeq(m.t.Context(), seq), nil)
	m.lastSeq = max(m.lastSeq, seq)
}

func (m *model) trimEvents() {
	before, limit := at(m.random.IntN(99)), m.random.IntN(5)+1
	n := 0
	for n < min(limit, len(m.events)) && m.events[n].Time.Before(before) {
		n++
	}
	m.note("TrimEvents before %v, limit %d", before, limit)
	got, err := m.store.TrimEvents(m.t.Context(), before, limit)
	m.failed(err, nil)
	want(m.t, "number of events removed", got, n)
	m.events = m.events[n:]
}
