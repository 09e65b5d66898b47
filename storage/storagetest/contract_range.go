package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var rangeSentences = []sentence{
	{"RepoReader.Records", "all in the order of paths", "Records yields the records of a range", testRecordsAll},
	{"RepoReader.Records", "ranges", "Records yields the records of a range", testRecordsRange},
	{"RepoReader.Records", "no repo", "none if there is no such repo.", func(t *testing.T, s storage.Store) {
		create(t, s, 1, put("a.b.c/1", "one"))
		want(t, "Records", paths(t, s, testDID(2), storage.RecordRange{}), nil)
		want(t, "Records", paths(t, s, testDID(2), storage.RecordRange{Collection: "a.b.c"}), nil)
	}},
	{"RepoReader.Records", "a range that isn't valid", "Error: that of the range's Validate.", testRecordsInvalid},
	{"RepoReader.Records", "many", "Records yields the records of a range", testRecordsMany},
}

// rangePaths are neighbours in every way that could confuse a range.
var rangePaths = []string{
	"a.b.c/-", "a.b.c/1", "a.b.c/10", "a.b.c/2", "a.b.c/A", "a.b.c/_", "a.b.c/a", "a.b.c/a:b", "a.b.c/b", "a.b.c/~", "a.b.c/é",
	"a.b.c-d/1", "a.b.c.d/1", "a.b.c.d/a", "a.b.c0/1", "a.b.cd/1", "a.b.C/1", "a.b.b/z", "a.b.d/0",
}

func putAll(paths []string) []storage.RecordWrite {
	var writes []storage.RecordWrite
	for _, p := range paths {
		writes = append(writes, put(p, "record "+p))
	}
	return writes
}

func testRecordsAll(t *testing.T, s storage.Store) {
	r := create(t, s, 1, putAll(rangePaths)...)
	create(t, s, 2, put("a.b.c/another", "another account's"))
	wantRepo(t, s, r)
	sorted := slices.Sorted(slices.Values(rangePaths))
	want(t, "all", paths(t, s, testDID(1), storage.RecordRange{}), sorted)
	want(t, "the first three", paths(t, s, testDID(1), storage.RecordRange{Limit: 3}), sorted[:3])
	slices.Reverse(sorted)
	want(t, "all in reverse", paths(t, s, testDID(1), storage.RecordRange{Reverse: true}), sorted)
	want(t, "the last three", paths(t, s, testDID(1), storage.RecordRange{Reverse: true, Limit: 3}), sorted[:3])
}

// inRange returns what a range selects, by definition.
func inRange(all []string, in storage.RecordRange) []string {
	var sel []string
	for _, p := range slices.Sorted(slices.Values(all)) {
		collection, key, _ := strings.Cut(p, "/")
		if in.Collection != "" && (collection != string(in.Collection) || key <= string(in.After) ||
			in.Before != "" && key >= string(in.Before)) {
			continue
		}
		sel = append(sel, p)
	}
	if in.Reverse {
		slices.Reverse(sel)
	}
	if in.Limit > 0 && len(sel) > in.Limit {
		sel = sel[:in.Limit]
	}
	return sel
}

func testRecordsRange(t *testing.T, s storage.Store) {
	create(t, s, 1, putAll(rangePaths)...)
	bounds := []syntax.RecordKey{"", "-", "0", "1", "10", "A", "a", "a:", "zz", "~"}
	for _, collection := range []syntax.NSID{"a.b.c", "a.b.c.d", "a.b", "none"} {
		for _, after := range bounds {
			for _, before := range bounds {
				in := storage.RecordRange{Collection: collection, After: after, Before: before}
				in.Reverse = (len(after)+len(before))%2 == 0
				in.Limit = len(before) * 2
				got := paths(t, s, testDID(1), in)
				want(t, fmt.Sprintf("Records in %+v", in), got, inRange(rangePaths, in))
				in.Reverse, in.Limit = !in.Reverse, 0
				got = paths(t, s, testDID(1), in)
				want(t, fmt.Sprintf("Records in %+v", in), got, inRange(rangePaths, in))
			}
		}
	}
}

func testRecordsInvalid(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1)
	upload(t, s, testBlob(testDID(1), "blob", 1))
	commit(t, s, r, about("a.b.c/1", "one", "subject", blobOf("blob")))
	for _, r := range []storage.RecordRange{
		{After: "0"}, {Before: "2"}, {Subject: "subject"}, {Blob: blobOf("blob"), After: "0"},
		{Collection: "a.b.c", Subject: "subject", Blob: blobOf("blob")},
	} {
		for _, did := range []syntax.DID{testDID(1), testDID(2)} {
			records, err := collect(s.Records(ctx, did, r))
			wantInvalid(t, fmt.Sprintf("Records in %+v", r), len(records), err)
			ok(t, "Snapshot", s.Snapshot(ctx, func(snap storage.RepoReader) error {
				records, err := collect(snap.Records(ctx, did, r))
				wantInvalid(t, fmt.Sprintf("Records of a snapshot in %+v", r), len(records), err)
				return nil
			}))
		}
	}
}

// testRecordsMany reads more records than a backend fetches at a time.
func testRecordsMany(t *testing.T, s storage.Store) {
	var all []string
	for i := range 1200 {
		all = append(all, fmt.Sprintf("a.b.c/%05d", i))
	}
	r := create(t, s, 1, putAll(all)...)
	wantRepo(t, s, r)
	in := storage.RecordRange{Collection: "a.b.c", After: "00010", Before: "01190", Reverse: true}
	want(t, "Records", paths(t, s, testDID(1), in), inRange(all, in))
}
