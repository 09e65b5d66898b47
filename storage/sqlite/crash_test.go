package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// crashEnv names the database in which this binary, run again, writes until it's killed.
const crashEnv = "SQLITE_CRASH_TEST"

// crashWriter makes commits to a few repos at once, prints the number of the repo after each that was acknowledged, and
// all the while replaces one more repo.
func crashWriter(path string) {
	ctx := context.Background()
	s, err := Open(ctx, path, Options{Create: true, CheckpointSize: 1 << 18})
	if err != nil {
		panic(err)
	}
	acknowledged := make(chan int)
	for i := range crashRepos {
		go func() {
			k := resume(ctx, s, i)
			for {
				if _, err := s.Commit(ctx, k.next()); err != nil {
					panic(err)
				}
				acknowledged <- i
			}
		}()
	}
	go func() {
		for {
			var prev cid.Cid
			n := 1
			if h, err := s.Head(ctx, did(crashRepos)); err == nil {
				prev, n = h.Commit, int(h.Rev.Integer())+1
			}
			c := storage.Commit{Prev: prev, Head: head(did(crashRepos), n)}
			if _, err := s.Replace(ctx, c, repoRows(1000)); err != nil {
				panic(err)
			}
		}
	}()
	for i := range acknowledged {
		fmt.Println(i)
	}
}

const crashRepos = 4

// resume returns a committer that goes on where a repo is.
func resume(ctx context.Context, s *Store, repo int) *committer {
	k := &committer{repo: repo}
	h, err := s.Head(ctx, did(repo))
	if errors.Is(err, storage.ErrNotFound) {
		return k
	}
	if err != nil {
		panic(err)
	}
	k.n, k.prev = int(h.Rev.Integer()), h.Commit
	return k
}

// A process that is killed while it writes leaves every commit that it has acknowledged, whole, and no other by half.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pds.sqlite")
	acknowledged := make([]int, crashRepos)
	for round := range 5 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), crashEnv+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			var i int
			if _, err := fmt.Sscan(lines.Text(), &i); err != nil {
				t.Fatalf("%q: %v", lines.Text(), err)
			}
			acknowledged[i]++
			if n == 100+37*round {
				if err := cmd.Process.Kill(); err != nil { // and go on reading what it has printed
					t.Fatal(err)
				}
			}
		}
		cmd.Wait()

		s := openAt(t, path, Options{})
		integrity(t, s)
		checkCrash(t, s, acknowledged)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// checkCrash compares every repo with what was acknowledged, and notes where it is. One more commit may have happened.
func checkCrash(t *testing.T, s *Store, acknowledged []int) {
	t.Helper()
	ctx := t.Context()
	events := make(map[string]int)
	var last int64
	for e, err := range s.ListEvents(ctx, storage.EventRange{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq <= last {
			t.Errorf("event %d after %d", e.Seq, last)
		}
		last = e.Seq
		events[string(e.DID)]++
	}
	for i, want := range acknowledged {
		n := resume(ctx, s, i).n
		if n < want || n > want+1 {
			t.Errorf("repo %d is at commit %d, but %d were acknowledged", i, n, want)
		}
		acknowledged[i] = n
		stats, err := s.Stats(ctx, did(i))
		if err != nil || int(stats.Records) != n {
			t.Errorf("repo %d has %d records after %d commits, %v", i, stats.Records, n, err)
		}
		if events[string(did(i))] != n {
			t.Errorf("repo %d has %d events after %d commits", i, events[string(did(i))], n)
		}
	}
	if stats, err := s.Stats(ctx, did(crashRepos)); err != nil || stats.Records != 0 && stats.Records != 1000 {
		t.Errorf("the repo that is replaced has %d records, %v, want all or none", stats.Records, err)
	}
	if err := s.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	checkNoGarbage(t, s)
}

// checkNoGarbage looks for rows that belong to no repo.
func checkNoGarbage(t *testing.T, s *Store) {
	t.Helper()
	for _, table := range []string{"contents", "fresh_nodes", "nodes", "records", "record_cids", "fresh_cids", "subjects", "collections", "blob_refs"} {
		column := "content"
		if table == "contents" {
			column = "id"
		}
		n, err := read(t.Context(), s.readers, func(db *conn) (int64, error) {
			return one(db, scanInt, `SELECT count(*) FROM `+table+` WHERE `+column+` NOT IN (SELECT content FROM repos)`)
		})
		if err != nil || n > 0 {
			t.Errorf("%s: %d rows of no repo, %v", table, n, err)
		}
	}
}
