package sqlite

import (
	"errors"
	"strings"
	"sync"
	"testing"

	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// Loops within loops need more connections than are kept, and none waits for another.
func TestNestedLoops(t *testing.T) {
	s := open(t, Options{Readers: 1})
	if _, err := s.Commit(t.Context(), firstCommit(did(1), 3)); err != nil {
		t.Fatal(err)
	}
	var nest func(depth int) int
	nest = func(depth int) (n int) {
		for r, err := range s.Records(t.Context(), did(1), storage.RecordRange{}) {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Record(t.Context(), did(1), r.Path); err != nil {
				t.Fatal(err)
			}
			if n++; depth > 1 {
				n += nest(depth - 1)
			}
		}
		return n
	}
	if n := nest(5); n != 3+9+27+81+243 {
		t.Errorf("%d records", n)
	}
	if n := len(s.readers.idle); n != 1 {
		t.Errorf("%d connections are kept, want 1", n)
	}
}

// One snapshot can be read by many goroutines, in loops within loops.
func TestSnapshotShared(t *testing.T) {
	s := open(t, Options{})
	if _, err := s.Commit(t.Context(), firstCommit(did(1), 10)); err != nil {
		t.Fatal(err)
	}
	err := s.Snapshot(t.Context(), func(r storage.RepoReader) error {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				n := 0
				for range r.Records(t.Context(), did(1), storage.RecordRange{}) {
					for _, err := range r.Records(t.Context(), did(1), storage.RecordRange{Reverse: true}) {
						if err != nil {
							t.Error(err)
						}
						n++
					}
				}
				if n != 100 {
					t.Errorf("%d records, want 10 times 10", n)
				}
			})
		}
		wg.Wait()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// When the database is full, writes fail and can be read as not having happened; with space there is no lasting harm.
func TestFullDisk(t *testing.T) {
	s := open(t, Options{})
	first := firstCommit(did(1), 3)
	if _, err := s.Commit(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	limit := func(pages string) {
		t.Helper()
		if err := writeOnly(t.Context(), s.writer, func(db *conn) error { return db.run(`PRAGMA max_page_count = ` + pages) }); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // which means: as large as it is
	large := storage.Commit{Prev: first.Head.Commit, Head: head(did(1), 2), Events: []storage.Event{event(did(1), 1<<20)}}
	release := hold(t, s)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Commit(t.Context(), large); !errors.Is(err, storage.ErrFull) {
			t.Errorf("got %v, want that the database is full", err)
		}
	})
	wg.Go(func() {
		if err := putKey(t.Context(), s, "k"); err != nil {
			t.Errorf("a write that has room: %v", err)
		}
	})
	queued(s, 2)
	release()
	wg.Wait()
	if h, err := s.Head(t.Context(), did(1)); err != nil || h.Commit != first.Head.Commit {
		t.Errorf("head is %v, %v, want that before", h.Commit, err)
	}
	if err := findKey(t.Context(), s, "k"); err != nil {
		t.Error(err)
	}
	limit("1000000")
	if _, err := s.Commit(t.Context(), large); err != nil {
		t.Errorf("with space again: %v", err)
	}
	integrity(t, s)
}

// A change that panics does so where UpdateAccount was called, and harms nobody else.
func TestUpdateAccountPanics(t *testing.T) {
	s := open(t, Options{})
	c := firstCommit(did(1), 0)
	if _, err := s.CreateAccount(t.Context(), storage.NewAccount{Account: storage.Account{DID: did(1)}, Commit: c}); err != nil {
		t.Fatal(err)
	}
	errChange := errors.New("change")
	func() {
		defer func() {
			if p := recover(); p != errChange {
				t.Errorf("recovered %v", p)
			}
		}()
		s.UpdateAccount(t.Context(), did(1), func(*storage.Account) error { panic(errChange) })
	}()
	if err := putKey(t.Context(), s, "k"); err != nil {
		t.Error(err)
	}
}

// The queries that could be slow use the indices that are made for them.
func TestPlans(t *testing.T) {
	s := open(t, Options{})
	detail := func(r *lite.Stmt) (string, error) { return r.ColumnText(3), nil }
	for sql, index := range map[string]string{
		`SELECT did, cid FROM blobs INDEXED BY blobs_to_claim WHERE state <> 1 AND takedown = '' AND state = 0 AND created < ?1`: "blobs_to_claim (state=? AND created<?)",
		`SELECT id FROM contents WHERE state <> 0 AND state = 2 LIMIT 1`:                                                         "contents_in_limbo (state=?)",
		`UPDATE contents SET state = ?1 WHERE state <> 0 AND state = ?2`:                                                         "contents_in_limbo (state=?)",
		`SELECT 1 FROM accounts WHERE handle = ?1 AND handle <> '' AND id <> ?2`:                                                 "accounts_by_handle (handle=?)",
		`SELECT 1 FROM accounts WHERE email = ?1 AND email <> '' AND id <> ?2`:                                                   "accounts_by_email (email=?)",
		selectDue:                           "accounts_by_end (delete_after<?)",
		`DELETE FROM events WHERE did = ?1`: "events_by_did (did=?)",
		listAccountEvents:                   "events_by_did (did=? AND rowid>?)",
		`SELECT value ` + documentsOfOwner + `ORDER BY kind, id LIMIT ?2`: "documents_by_owner (owner=?)",
		`SELECT value ` + documentsOfBoth + `ORDER BY id LIMIT ?4`:        "documents_by_owner (owner=? AND kind=? AND id>?)",
		`SELECT value ` + documentsOfKind + `ORDER BY id LIMIT ?3`:        "PRIMARY KEY (kind=? AND id>?)",
		expireDocuments:                   "documents_by_expiry (expires<?)",
		selectRecords + `LIMIT ?4`:        "t USING PRIMARY KEY (did=? AND path=?)",
		selectRecords + `DESC LIMIT ?4`:   "PRIMARY KEY (content=? AND path>? AND path<?)",
		selectBySubject + `LIMIT ?4`:      "s USING PRIMARY KEY (content=? AND subject=? AND path>? AND path<?)",
		selectBySubject + `DESC LIMIT ?4`: "s USING PRIMARY KEY (content=? AND subject=? AND path>? AND path<?)",
		selectByBlob + `LIMIT ?4`:         "b USING PRIMARY KEY (content=? AND cid=? AND path>? AND path<?)",
		selectByBlob + `DESC LIMIT ?4`:    "b USING PRIMARY KEY (content=? AND cid=? AND path>? AND path<?)",
		selectTakedowns:                   "blobs_taken_down (did=?)",
		dropStaleTakedowns:                "record_takedowns USING PRIMARY KEY (did=?)",
		newestByCID:                       "c USING PRIMARY KEY (content=? AND tail=?)",
		selectByCollection:                "collections_by_name (name=? AND did>?)",
		`SELECT cid FROM blob_refs WHERE content = ?1 AND path = ?2`: "blob_refs_by_path (content=? AND path=?)",
		listBlobRefs: "PRIMARY KEY (content=? AND cid>?)",
		listMissing:  "PRIMARY KEY (content=? AND cid>?)",
	} {
		steps, err := read(t.Context(), s.readers, func(db *conn) ([]string, error) { return all(db, detail, `EXPLAIN QUERY PLAN `+sql) })
		if err != nil {
			t.Errorf("%s: %v", sql, err)
		}
		plan := strings.Join(steps, "\n")
		sorts := sql == selectTakedowns // what it yields, which is little
		if !strings.Contains(plan, index) || strings.Contains(plan, "TEMP B-TREE") != sorts || strings.Contains(plan, "SCAN") {
			t.Errorf("%s\nis done by\n%s\nwant %s", sql, plan, index)
		}
	}
}
