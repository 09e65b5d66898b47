package sqlite

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// What a Replace that never ended has staged is garbage when the database is opened again.
func TestStagedLeftovers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pds.sqlite")
	s := openAt(t, path, Options{Create: true})
	if _, err := s.Commit(t.Context(), firstCommit(did(1), 5)); err != nil {
		t.Fatal(err)
	}
	content, err := write(t.Context(), s.writer, func(db *conn) (int64, error) { return newContent(db, contentStaged) })
	if err != nil {
		t.Fatal(err)
	}
	st := stager{writer: s.writer, content: content, head: head(did(1), 2)}
	if err := st.stage(t.Context(), repoRows(2000)); err != nil {
		t.Fatal(err)
	}
	if err := s.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := countContents(t, s); n != 2 {
		t.Errorf("%d contents, want that of the repo and that being staged, which isn't garbage yet", n)
	}
	s.Close()
	s = openAt(t, path, Options{})
	if err := s.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkNoGarbage(t, s)
	if stats, err := s.Stats(t.Context(), did(1)); err != nil || stats.Records != 5 {
		t.Errorf("repo: %+v, %v", stats, err)
	}
}

// What a Replace has staged until nothing could be written any more is garbage as soon as something can.
func TestReplaceUndiscarded(t *testing.T) {
	s := open(t, Options{})
	first := firstCommit(did(1), 5)
	if _, err := s.Commit(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	queryOnly := func(on string) {
		t.Helper()
		if err := s.writer.db.run(`PRAGMA query_only = ` + on); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Replace(t.Context(), storage.Commit{Prev: first.Head.Commit, Head: head(did(1), 2)}, func(yield func(storage.Row, error) bool) {
		queryOnly("1")
		repoRows(chunkRows + 10)(yield)
	})
	if err == nil {
		t.Fatal("Replace succeeded")
	}
	if err := s.Maintain(t.Context()); err == nil {
		t.Error("Maintain wrote")
	}
	queryOnly("0")
	if err := s.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkNoGarbage(t, s)
	if stats, err := s.Stats(t.Context(), did(1)); err != nil || stats.Records != 5 {
		t.Errorf("repo: %+v, %v", stats, err)
	}
}

// A Replace that fails, however, leaves nothing that Maintain doesn't remove, and nothing that can be seen.
func TestReplaceFails(t *testing.T) {
	s := open(t, Options{})
	first := firstCommit(did(1), 5)
	if _, err := s.Commit(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	c := storage.Commit{Prev: first.Head.Commit, Head: head(did(1), 2)}
	errRows := errors.New("rows")
	fails := map[string]func(yield func(storage.Row, error) bool){
		"error": func(yield func(storage.Row, error) bool) {
			for row := range repoRows(chunkRows + 10) {
				if !yield(row, nil) {
					return
				}
			}
			yield(storage.Row{}, errRows)
		},
		"panic": func(yield func(storage.Row, error) bool) {
			for row := range repoRows(chunkRows + 10) {
				if !yield(row, nil) {
					return
				}
			}
			panic(errRows)
		},
	}
	for name, rows := range fails {
		err := func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = p.(error)
				}
			}()
			_, err = s.Replace(t.Context(), c, rows)
			return err
		}()
		if !errors.Is(err, errRows) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := s.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkNoGarbage(t, s)
	}
	if stats, err := s.Stats(t.Context(), did(1)); err != nil || stats.Records != 5 {
		t.Errorf("repo: %+v, %v", stats, err)
	}
}

// A large Replace gives way to every write that waits.
func TestReplaceGivesWay(t *testing.T) {
	s := open(t, Options{})
	rows := make([]int, 10*stepRows)
	steps1 := func() (n int) {
		o, err := s.writer.submit(func(*conn) (err error) {
			n, err = steps(s.writer, rows, func(int) error { return nil })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := steps1(); n != len(rows) {
		t.Errorf("alone: %d rows in one write, want %d", n, len(rows))
	}
	var n int
	started := make(chan struct{})
	o, err := s.writer.submit(func(*conn) (err error) {
		close(started)
		queued(s, 1)
		n, err = steps(s.writer, rows, func(int) error { return nil })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	<-started
	if err := putKey(t.Context(), s, "k"); err != nil {
		t.Fatal(err)
	}
	<-o.done
	if n != stepRows {
		t.Errorf("while another write waits: %d rows in one write, want %d", n, stepRows)
	}
}

// Records that are indexed in several runs, and that get their bytes from rows of other runs, are all there.
func TestReplaceRuns(t *testing.T) {
	const n = maxUnindexed + 1000
	s := open(t, Options{})
	rows := func(yield func(storage.Row, error) bool) {
		for i := range n {
			r := makeBlock(i, 0)
			w := storage.RecordWrite{Path: path(i), CID: r.CID, Bytes: r.Bytes}
			if i >= n-10 { // the same as one of the first run, or as one just before
				r = makeBlock((i%2)*(n-500), 0)
				w.CID, w.Bytes = r.CID, nil
			}
			if !yield(storage.Row{Record: &w}, nil) {
				return
			}
		}
	}
	if _, err := s.Replace(t.Context(), storage.Commit{Head: head(did(1), 1)}, rows); err != nil {
		t.Fatal(err)
	}
	if stats, err := s.Stats(t.Context(), did(1)); err != nil || stats.Records != n {
		t.Errorf("%+v, %v, want %d records", stats, err, n)
	}
	for _, i := range []int{0, maxUnindexed - 1, maxUnindexed, n - 500, n - 11} {
		b := makeBlock(i, 0)
		got, err := s.Blocks(t.Context(), did(1), []cid.Cid{b.CID})
		if err != nil || len(got) != 1 || string(got[0].Bytes) != string(b.Bytes) {
			t.Errorf("block %d: %v, %v", i, got, err)
		}
	}
	for i := n - 10; i < n; i++ {
		r, err := s.Record(t.Context(), did(1), path(i))
		if want := makeBlock((i%2)*(n-500), 0).Bytes; err != nil || string(r.Bytes) != string(want) {
			t.Errorf("record %d: %x, %v, want %x", i, r.Bytes, err, want)
		}
	}
}

func countContents(t *testing.T, s *Store) int64 {
	t.Helper()
	n, err := read(t.Context(), s.readers, func(db *conn) (int64, error) { return one(db, scanInt, `SELECT count(*) FROM contents`) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}
