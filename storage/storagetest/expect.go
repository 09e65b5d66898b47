package storagetest

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

// asRead compares what was read with what was written: an empty list may come back as none, and times are the same
// moment in UTC.
var asRead = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b cid.Cid) bool { return a == b }),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() }),
}

// difference describes how what was read differs from what was written, "" if it doesn't.
func difference(want, got any) string {
	if reflect.DeepEqual(want, got) { // which is faster than cmp, and true of most
		return ""
	}
	return cmp.Diff(want, got, asRead)
}

// want fails the test unless got equals want.
func want[V any](t testing.TB, what string, got, want V) {
	t.Helper()
	if diff := difference(want, got); diff != "" {
		t.Fatalf("%s isn't what it should be (-want +got):\n%s", what, diff)
	}
}

// ok fails the test on an error.
func ok(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// fails fails the test unless err is target.
func fails(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("%s: error is %v, want %v", what, err, target)
	}
}

// must takes what a method returned, and fails the test on an error: must(s.Head(ctx, did))(t).
func must[V any](v V, err error) func(t testing.TB) V {
	return func(t testing.TB) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// all returns what a listing yields, and fails the test on an error.
func all[V any](t testing.TB, what string, seq iter.Seq2[V, error]) []V {
	t.Helper()
	vs, err := collect(seq)
	ok(t, what, err)
	return vs
}

// collect returns what a listing yields up to its error.
func collect[V any](seq iter.Seq2[V, error]) ([]V, error) {
	var vs []V
	for v, err := range seq {
		if err != nil {
			return vs, err
		}
		vs = append(vs, v)
	}
	return vs, nil
}

// paths returns the paths of the records in a range.
func paths(t testing.TB, s storage.RepoReader, did syntax.DID, in storage.RecordRange) []string {
	t.Helper()
	var ps []string
	for _, r := range all(t, "Records", s.Records(t.Context(), did, in)) {
		ps = append(ps, r.Path)
	}
	return ps
}

// events returns the whole log.
func events(t testing.TB, s storage.Store) []storage.Event {
	t.Helper()
	return all(t, "ListEvents", s.ListEvents(t.Context(), storage.EventRange{}))
}

// kinds returns the accounts and kinds of events, so that tests can compare logs whatever their sequence numbers.
func kinds(events []storage.Event) []string {
	var ks []string
	for _, e := range events {
		ks = append(ks, string(e.DID)+" "+string(e.Kind)+" "+string(e.Body))
	}
	return ks
}

// blobStrings returns the sorted strings of the CIDs of blobs with such bytes.
func blobStrings(data ...string) []string {
	var ss []string
	for _, d := range data {
		ss = append(ss, blobOf(d).String())
	}
	slices.Sort(ss)
	return ss
}

// cidStrings returns the strings of CIDs, in their order.
func cidStrings(cids []cid.Cid) []string {
	var ss []string
	for _, c := range cids {
		ss = append(ss, c.String())
	}
	return ss
}

// wantRepo fails the test unless the store has exactly this repo.
func wantRepo(t testing.TB, s storage.RepoReader, r *tree) {
	t.Helper()
	if err := sameRepo(t.Context(), s, r); err != nil {
		t.Fatal(err)
	}
}

// wantNoRepo fails the test if the store has anything of a repo, of which blocks were part.
func wantNoRepo(t testing.TB, s storage.RepoReader, did syntax.DID, blocks ...cid.Cid) {
	t.Helper()
	ctx := t.Context()
	_, err := s.Head(ctx, did)
	fails(t, "Head", err, storage.ErrNotFound)
	want(t, "Blocks", must(s.Blocks(ctx, did, blocks))(t), nil)
	want(t, "Records", paths(t, s, did, storage.RecordRange{}), nil)
	want(t, "Collections", must(s.Collections(ctx, did))(t), nil)
	want(t, "Stats", must(s.Stats(ctx, did))(t), storage.RepoStats{})
}

// sameRepo compares all that can be read of a repo with r.
func sameRepo(ctx context.Context, s storage.RepoReader, r *tree) error {
	var problems []error
	differ := func(what string, want, got any) {
		if diff := difference(want, got); diff != "" {
			problems = append(problems, errors.New(what+" (-want +got):\n"+diff))
		}
	}
	did := r.head.DID
	head, err := s.Head(ctx, did)
	if err != nil {
		return err
	}
	differ("Head", r.head, head)

	blocks := r.blocks()
	var cids []cid.Cid
	for _, b := range blocks {
		cids = append(cids, b.CID)
	}
	got, err := s.Blocks(ctx, did, cids)
	if err != nil {
		return err
	}
	differ("Blocks", blocks, got)

	var records []storage.Record
	for _, e := range r.sortedRecords() {
		records = append(records, e.Record)
		one, err := s.Record(ctx, did, e.Path)
		if err != nil {
			return err
		}
		differ("Record "+e.Path, e.Record, one)
	}
	listed, err := collect(s.Records(ctx, did, storage.RecordRange{}))
	if err != nil {
		return err
	}
	differ("Records", records, listed)

	var collections []syntax.NSID
	for _, c := range r.collections() {
		collections = append(collections, syntax.NSID(c))
	}
	listedCollections, err := s.Collections(ctx, did)
	if err != nil {
		return err
	}
	differ("Collections", collections, listedCollections)

	stats, err := s.Stats(ctx, did)
	if err != nil {
		return err
	}
	differ("Stats", storage.RepoStats{Nodes: int64(len(r.nodes)), Records: int64(len(r.records))}, stats)
	return errors.Join(problems...)
}

// blocks returns all blocks of a repo, each once: its nodes, its records, each with the greatest rev that one with its
// bytes has, and its commit.
func (r *tree) blocks() []storage.Block {
	blocks := r.sortedNodes()
	first := make(map[cid.Cid]int) // where the record's block is
	for _, e := range r.sortedRecords() {
		i, seen := first[e.CID]
		if !seen {
			first[e.CID] = len(blocks)
			blocks = append(blocks, storage.Block{CID: e.CID, Rev: e.Rev, Bytes: e.Bytes})
		} else {
			blocks[i].Rev = max(blocks[i].Rev, e.Rev)
		}
	}
	return append(blocks, storage.Block{CID: r.head.Commit, Rev: r.head.Rev, Bytes: r.head.Block})
}

func (r *tree) sortedRecords() []entry {
	var es []entry
	for _, e := range r.records {
		es = append(es, e)
	}
	slices.SortFunc(es, func(a, b entry) int { return strings.Compare(a.Path, b.Path) })
	return es
}

func sorted(ss []string) []string {
	slices.Sort(ss)
	return ss
}
