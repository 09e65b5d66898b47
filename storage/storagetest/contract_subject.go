package storagetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

var subjectSentences = []sentence{
	{"RepoReader.Records", "by subject", "Records yields the records of a range", testSubjects},
	{"RepoReader.Records", "by blob", "Records yields the records of a range", testRecordsByBlob},
	{"RepoReader.Records", "many by subject and by blob", "Records yields the records of a range", testSubjectsMany},
	{"Repos.Commit", "the index of subjects", "Commit applies a commit, as one write", testSubjectsCommitted},
	{"Repos.Replace", "the index of subjects", "whose whole content becomes that of rows", testSubjectsReplaced},
	{"Accounts.DeleteAccount", "the index of subjects", "DeleteAccount removes the account with its repo",
		testSubjectsDeleted},
	{"Repos.Snapshot", "the index of subjects", "sees the state of one moment until read returns", testSubjectsSnapshot},
}

// inIndex returns what a range with a subject or a blob selects of a repo, by definition.
func (r *tree) inIndex(in storage.RecordRange) []string {
	var ps []string
	for _, e := range r.sortedRecords() {
		if (in.Subject == "" || e.subject == in.Subject) && (!in.Blob.Defined() || slices.Contains(e.blobs, in.Blob)) {
			ps = append(ps, e.Path)
		}
	}
	return inRange(ps, in)
}

// wantIndexed fails the test unless a range with a subject or a blob has the records that it should
// have.
func wantIndexed(t testing.TB, s storage.RepoReader, r *tree, in storage.RecordRange) {
	t.Helper()
	got := all(t, "Records", s.Records(t.Context(), r.head.DID, in))
	var ps []string
	for _, rec := range got {
		ps = append(ps, rec.Path)
		want(t, "the record", rec, r.records[rec.Path].Record)
	}
	want(t, fmt.Sprintf("Records in %+v", in), ps, r.inIndex(in))
}

// wantSubjects fails the test unless the records of a.b.c that name each subject are those that
// should be found by it.
func wantSubjects(t testing.TB, s storage.RepoReader, r *tree, subjects ...string) {
	t.Helper()
	for _, subject := range subjects {
		wantIndexed(t, s, r, storage.RecordRange{Collection: "a.b.c", Subject: subject})
	}
}

// testSubjects has records that name subjects which are neighbours of each other, in several
// collections.
func testSubjects(t *testing.T, s storage.Store) {
	subjects := []string{"did:plc:a", "did:plc:aa", "did:plc:b", "did:plc:A", "at://did:plc:a/a.b.c/1", "%", "é", "a\x00b"}
	var writes []storage.RecordWrite
	for i, path := range rangePaths {
		writes = append(writes, about(path, path, subjects[i%3]))
	}
	for i, subject := range subjects[3:] {
		writes = append(writes, about(fmt.Sprint("a.b.c/once", i), subject, subject))
	}
	writes = append(writes, put("a.b.c/none", "none"))
	r := create(t, s, 1, writes...)
	other := create(t, s, 2, about("a.b.c/1", "another account's", subjects[0]), about("a.b.c/z", "z", "did:plc:z"))
	for _, collection := range []syntax.NSID{"a.b.c", "a.b.c.d", "a.b.c-d", "a.b", "none"} {
		for _, subject := range append(subjects, "did:plc:z", "did:plc", "did:plc:a\x00") {
			for _, bounds := range [][2]syntax.RecordKey{{}, {"1", ""}, {"", "a"}, {"10", "b"}, {"b", "1"}} {
				in := storage.RecordRange{Collection: collection, Subject: subject, After: bounds[0], Before: bounds[1]}
				wantIndexed(t, s, r, in)
				in.Reverse = true
				wantIndexed(t, s, r, in)
				in.Limit = 2
				wantIndexed(t, s, r, in)
			}
		}
	}
	wantSubjects(t, s, other, append(subjects, "did:plc:z")...)
	wantSubjects(t, s, emptyTree(testDID(3)), subjects...)
}

func testRecordsByBlob(t *testing.T, s storage.Store) {
	ctx := t.Context()
	blobs := []cid.Cid{blobOf("1"), blobOf("2"), blobOf("3")}
	var writes []storage.RecordWrite
	for i, path := range rangePaths {
		writes = append(writes, put(path, path, slices.Delete(slices.Clone(blobs), i%3, i%3+1)...))
	}
	c, r := create(t, s, 1).commit(writes...)
	c.AllowMissingBlobs = true
	must(s.Commit(ctx, c))(t)
	for _, blob := range append(blobs, blobOf("none"), cid.NewCidV1(cid.DagCBOR, blobs[0].Hash())) {
		for _, in := range []storage.RecordRange{
			{}, {Collection: "a.b.c"}, {Collection: "a.b.c", After: "1", Before: "b"}, {Collection: "none"},
		} {
			in.Blob = blob
			for _, in.Reverse = range []bool{false, true} {
				for _, in.Limit = range []int{0, 1, 3} {
					wantIndexed(t, s, r, in)
				}
			}
		}
	}
	r = commit(t, s, r, del(writes[0].Path), put(writes[1].Path, "without"))
	for _, blob := range blobs {
		wantIndexed(t, s, r, storage.RecordRange{Blob: blob})
	}
}

// testSubjectsMany finds more records than a backend fetches at a time.
func testSubjectsMany(t *testing.T, s storage.Store) {
	var writes []storage.RecordWrite
	for i := range 1200 {
		w := about(fmt.Sprintf("a.b.c/%05d", i), fmt.Sprint(i), "subject "+fmt.Sprint(i%7/6), blobOf(fmt.Sprint(i%7/6)))
		writes = append(writes, w)
	}
	c, r := create(t, s, 1).commit(writes...)
	c.AllowMissingBlobs = true
	must(s.Commit(t.Context(), c))(t)
	for _, in := range []storage.RecordRange{
		{Collection: "a.b.c", Subject: "subject 0"}, {Blob: blobOf("0")}, {Collection: "a.b.c", Subject: "subject 1"},
	} {
		for _, in.Reverse = range []bool{false, true} {
			wantIndexed(t, s, r, in)
		}
	}
}

func testSubjectsCommitted(t *testing.T, s storage.Store) {
	r := create(t, s, 1, about("a.b.c/1", "one", "x"))
	for _, writes := range [][]storage.RecordWrite{
		{about("a.b.c/2", "two", "x"), about("a.b.c/3", "three", "y"), about("d.e.f/1", "other", "x")},
		{about("a.b.c/1", "one", "y")},                   // the same bytes, which is for the caller to say
		{about("a.b.c/2", "new", "x")},                   // another record, the same subject
		{about("a.b.c/3", "new", "z")},                   // another record, another subject
		{put("a.b.c/1", "none")},                         // none any more
		{about("a.b.c/1", "again", "x"), del("a.b.c/2")}, // one again, and one less
		{put("a.b.c/2", "none")},                         // back without one
		{del("a.b.c/1"), about("a.b.c/4", "again", "x")}, // moved
		{about("a.b.c/1", "back", "y")},                  // back with another one
		{del("a.b.c/3"), del("d.e.f/1"), del("a.b.c/4"), del("a.b.c/never")},
		{about("a.b.c/3", "back", "z"), put("a.b.c/4", "none"), put("d.e.f/1", "none")},
	} {
		r = commit(t, s, r, writes...)
		wantSubjects(t, s, r, "x", "y", "z")
		wantIndexed(t, s, r, storage.RecordRange{Collection: "d.e.f", Subject: "x"})
	}
	takeDown(t, s, r, "a.b.c/3", "ref") // which changes nothing of it
	wantSubjects(t, s, r.takeDown("a.b.c/3", "ref"), "x", "y", "z")
}

func testSubjectsReplaced(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old := create(t, s, 1, about("a.b.c/1", "one", "x"), about("a.b.c/2", "two", "y"), about("a.b.c/3", "three", "x"))
	c, rows, r := old.replace(about("a.b.c/1", "one", "y"), about("a.b.c/4", "same", "x"), about("a.b.c/5", "same", "x"),
		put("a.b.c/6", "none"))
	_, err := s.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		wantSubjects(t, s, old, "x", "y")
		yield(storage.Row{}, ErrFault)
	})
	fails(t, "Replace", err, ErrFault)
	wantSubjects(t, s, old, "x", "y")
	must(s.Replace(ctx, c, rowsOf(rows)))(t)
	wantSubjects(t, s, r, "x", "y")
	r = commit(t, s, r, del("a.b.c/5"), about("a.b.c/6", "some", "y"))
	wantSubjects(t, s, r, "x", "y")
	r = commit(t, s, r, put("a.b.c/2", "back without one"), about("a.b.c/3", "back with another one", "y"))
	wantSubjects(t, s, r, "x", "y")
	c, rows, r = r.replace()
	must(s.Replace(ctx, c, rowsOf(rows)))(t)
	wantSubjects(t, s, r, "x", "y")
}

func testSubjectsDeleted(t *testing.T, s storage.Store) {
	create(t, s, 1, about("a.b.c/1", "one", "x"))
	other := create(t, s, 2, about("a.b.c/1", "one", "x"))
	must(s.DeleteAccount(t.Context(), testDID(1)))(t)
	wantSubjects(t, s, emptyTree(testDID(1)), "x")
	wantSubjects(t, s, create(t, s, 1, put("a.b.c/1", "none"), about("a.b.c/2", "two", "y")), "x", "y")
	wantSubjects(t, s, other, "x", "y")
}

func testSubjectsSnapshot(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old := create(t, s, 1, about("a.b.c/1", "one", "x"), about("a.b.c/2", "two", "x"))
	ok(t, "Snapshot", s.Snapshot(ctx, func(snap storage.RepoReader) error {
		wantSubjects(t, snap, old, "x", "y")
		r := commit(t, s, old, del("a.b.c/1"), about("a.b.c/2", "two", "y"))
		wantSubjects(t, snap, old, "x", "y")
		c, rows, r := r.replace(about("a.b.c/3", "three", "x"))
		must(s.Replace(ctx, c, rowsOf(rows)))(t)
		wantSubjects(t, snap, old, "x", "y")
		wantSubjects(t, s, r, "x", "y")
		return nil
	}))
}
