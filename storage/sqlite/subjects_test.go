package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// like makes a write of a record that names a subject.
func like(n int, subject string) storage.RecordWrite {
	r := makeBlock(n, 100)
	return storage.RecordWrite{Path: likePath(n), CID: r.CID, Bytes: r.Bytes, Subject: subject}
}

func likePath(n int) string { return fmt.Sprintf("app.bsky.feed.like/%04d", n) }

// The records that name a subject are found by it, in both orders and between bounds, and no longer
// once they name another, none, or are gone.
func TestSubjects(t *testing.T) {
	s := open(t, Options{})
	d := did(1)
	c := storage.Commit{Head: head(d, 1)}
	for n := range 40 { // more than bulkRecords
		c.Writes = append(c.Writes, like(n, fmt.Sprintf("at://%d", n%2)))
	}
	other := like(0, "at://0")
	other.Path = "app.bsky.feed.repost/0000"
	c.Writes = append(c.Writes, other)
	if _, err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want := func(r storage.RecordRange, numbers ...int) {
		t.Helper()
		var paths []string
		for _, n := range numbers {
			paths = append(paths, likePath(n))
		}
		r.Collection = "app.bsky.feed.like"
		if got := pathsOf(t, s, d, r); !slices.Equal(got, paths) {
			t.Errorf("%+v: %v, want %v", r, got, paths)
		}
	}
	want(storage.RecordRange{Subject: "at://1", Limit: 3}, 1, 3, 5)
	want(storage.RecordRange{Subject: "at://1", Limit: 2, Reverse: true}, 39, 37)
	want(storage.RecordRange{Subject: "at://0", After: "0004", Before: "0010"}, 6, 8)
	want(storage.RecordRange{Subject: "at://0", After: "0004", Before: "0010", Reverse: true, Limit: 1}, 8)
	want(storage.RecordRange{Subject: "at://"})
	want(storage.RecordRange{Subject: "at://00"})

	next := storage.Commit{Prev: c.Head.Commit, Head: head(d, 2), Writes: []storage.RecordWrite{
		{Path: likePath(0), Subject: "at://0"}, like(2, "at://2"), like(4, ""), {Path: likePath(1000)}, like(6, "at://0"),
	}}
	if _, err := s.Commit(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	want(storage.RecordRange{Subject: "at://0", Before: "0010"}, 6, 8)
	want(storage.RecordRange{Subject: "at://2"}, 2)

	replace := storage.Commit{Prev: next.Head.Commit, Head: head(d, 3)}
	again := storage.RecordWrite{Path: likePath(7), CID: makeBlock(5, 100).CID, Subject: "not its own"}
	_, err := s.Replace(t.Context(), replace, func(yield func(storage.Row, error) bool) {
		for _, w := range []storage.RecordWrite{like(9, ""), like(5, "at://5"), like(3, "at://3"), again} {
			if !yield(storage.Row{Record: &w}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want(storage.RecordRange{Subject: "at://0"})
	want(storage.RecordRange{Subject: "at://5"}, 5, 7)
	want(storage.RecordRange{Subject: "at://3"}, 3)
	want(storage.RecordRange{Subject: "not its own"})
	if err := s.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkNoGarbage(t, s)
	checkSubjectsTable(t, s)
}

// checkSubjectsTable compares the table of subjects with the column.
func checkSubjectsTable(t *testing.T, s *Store) {
	t.Helper()
	const rows, table = `SELECT content, subject, path FROM records WHERE subject IS NOT NULL`, `SELECT content, subject, path FROM subjects`
	for _, sql := range []string{rows + ` EXCEPT ` + table, table + ` EXCEPT ` + rows} {
		n, err := read(t.Context(), s.readers, func(db *conn) (int64, error) {
			return one(db, scanInt, `SELECT count(*) FROM (`+sql+`)`)
		})
		if err != nil || n != 0 {
			t.Errorf("%s: %d rows, %v", sql, n, err)
		}
	}
}

// Of records with the same CID, a block has the greatest rev, be they in record_cids or in
// fresh_cids.
func TestBlockRev(t *testing.T) {
	s := open(t, Options{})
	d := did(1)
	same := makeBlock(1, 100)
	record := func(n int) storage.RecordWrite {
		return storage.RecordWrite{Path: path(n), CID: same.CID, Bytes: same.Bytes}
	}
	c := storage.Commit{Head: head(d, 1), Writes: []storage.RecordWrite{record(5)}}
	for n := 2; ; n++ {
		if _, err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		got, err := s.Blocks(t.Context(), d, []cid.Cid{same.CID})
		if err != nil || len(got) != 1 || got[0].Rev != c.Head.Rev {
			t.Errorf("after commit %d: %+v, %v", n-1, got, err)
		}
		c = storage.Commit{Prev: c.Head.Commit, Head: head(d, n)}
		switch n {
		case 2: // an earlier path
			c.Writes = []storage.RecordWrite{record(3)}
		case 3: // with so many others that its CID is in fresh_cids
			c.Writes = append(firstCommit(did(9), bulkRecords+100).Writes[100:], record(4))
			c.Writes[len(c.Writes)-1].Path = path(1000)
		case 4:
			return
		}
	}
}

// What is no record of DAG-CBOR has no subject, and doesn't take long.
func FuzzRecordSubject(f *testing.F) {
	const uri = "\xa1\x67subject\xa2\x63cid\x61c\x63uri\x64at:/"
	f.Add([]byte(uri))
	f.Add([]byte("\xa2\x61a\x82\x01\xd8\x2a\x41\x00\x67subject\x63did"))
	f.Add([]byte("\xa1\x61a\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00"))
	f.Add([]byte(strings.Repeat("\x81", 100_000)))
	f.Fuzz(func(t *testing.T, record []byte) {
		if s := data.Subject(record); !strings.Contains(string(record), s) {
			t.Errorf("%q", s)
		}
	})
}

func TestRecordSubject(t *testing.T) {
	for record, want := range map[string]string{
		"\xa1\x67subject\x63did":                                   "did",
		"\xa1\x67subject\xa2\x63cid\x61c\x63uri\x64at:/":           "at:/",
		"\xa2\x61a\x82\x01\xd8\x2a\x41\x00\x67subject\x63did":      "did",
		"\xa2\x61a\xa1\x67subject\x61x\x67subject\x63did":          "did",
		"\xa1\x67subject\xa1\x63uri\x01":                           "",
		"\xa1\x67subject\xa1\x63uri\x64at:":                        "",
		"\xa1\x67subject\x01":                                      "",
		"\xa1\x61a\x67subject":                                     "",
		"\x67subject":                                              "",
		"\xbf\x67subject\x63did\xff":                               "",
		"\xa2\x61a\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x67subject": "",
		"": "",
	} {
		if got := data.Subject([]byte(record)); got != want {
			t.Errorf("%q: %q, want %q", record, got, want)
		}
	}
}
