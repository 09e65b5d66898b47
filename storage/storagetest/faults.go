package storagetest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// runFaults lets a workload meet faults at its writes. Each step reads to find out whether its write has happened, and
// tries again if it hasn't. In the end everything has to have happened exactly once.
func runFaults(t *testing.T, open func(t *testing.T) storage.Store) {
	t.Run("each write is lost", func(t *testing.T) {
		n := 0
		runWorkload(t, open(t), func(string) Fault {
			if n++; n%2 == 1 {
				return Lost // and the next one is the attempt after it
			}
			return NoFault
		})
	})
	t.Run("each write is applied and reported failed", func(t *testing.T) {
		runWorkload(t, open(t), func(string) Fault { return Applied })
	})
	t.Run("any write is either", func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 0))
		runWorkload(t, open(t), func(string) Fault { return []Fault{NoFault, Lost, Applied}[random.IntN(3)] })
	})
}

// attempt does a write until it has happened: it returned no error, or happened finds it.
func attempt(t *testing.T, what string, write func() error, happened func() bool) {
	t.Helper()
	for range 100 {
		err := write()
		if err == nil || errors.Is(err, ErrFault) && happened() {
			return
		}
		fails(t, what, err, ErrFault)
	}
	t.Fatalf("%s: it doesn't happen", what)
}

func runWorkload(t *testing.T, store storage.Store, decide func(method string) Fault) {
	ctx := t.Context()
	s := &Faulty{Store: store, Decide: decide}
	var log []string
	// logged finds out whether an event is in the log.
	logged := func(e storage.Event) func() bool {
		return func() bool { return slices.Contains(kinds(events(t, s)), kinds([]storage.Event{e})[0]) }
	}
	discard := func(_ int64, err error) error { return err }

	repos := make(map[int]*tree)
	for n := range 3 {
		a, r := newAccount(n, put("a.b.c/0", "first"))
		attempt(t, "CreateAccount", func() error { return discard(s.CreateAccount(ctx, a)) }, func() bool {
			_, err := s.Account(ctx, testDID(n))
			return err == nil
		})
		_, err := s.Store.CreateAccount(ctx, a)
		fails(t, "CreateAccount again", err, storage.ErrExists)
		repos[n] = r
		log = append(log, kinds(a.Commit.Events)...)
	}
	write := func(n int, replace bool, writes ...storage.RecordWrite) {
		t.Helper()
		var c storage.Commit
		var rows []storage.Row
		if replace {
			c, rows, repos[n] = repos[n].replace(writes...)
		} else {
			c, repos[n] = repos[n].commit(writes...)
		}
		do := func() error {
			if replace {
				return discard(s.Replace(ctx, c, rowsOf(rows)))
			}
			return discard(s.Commit(ctx, c))
		}
		attempt(t, "Commit", do, func() bool { return must(s.Head(ctx, testDID(n)))(t).Commit == c.Head.Commit })
		log = append(log, kinds(c.Events)...)
	}
	for i, name := range []string{"1", "2", "3"} {
		for n := range 3 {
			b := testBlob(testDID(n), name, 50)
			attempt(t, "PutBlob", func() error { return s.PutBlob(ctx, b) }, func() bool {
				_, err := s.Blob(ctx, b.DID, b.CID)
				return err == nil
			})
			write(n, i == 2, put("a.b.c/"+name, name, b.CID), put("d.e.f/1", name))
		}
		write(i, false, del("a.b.c/0"))
		write(i, false, put("a.b.c/0", "again"))
	}

	e := testEvent(testDID(0), storage.EventAccount, 77)
	attempt(t, "UpdateAccount", func() error {
		return discard(s.UpdateAccount(ctx, testDID(0), func(a *storage.Account) error { a.PasswordHash += "+"; return nil }, e))
	}, logged(e))
	log = append(log, kinds([]storage.Event{e})...)
	want(t, "PasswordHash", must(s.Account(ctx, testDID(0)))(t).PasswordHash, "hash of a password+")

	e = testEvent(testDID(1), storage.EventIdentity, 78)
	attempt(t, "AppendEvents", func() error { return discard(s.AppendEvents(ctx, e)) }, logged(e))
	log = append(log, kinds([]storage.Event{e})...)

	want(t, "the log", kinds(events(t, s)), log)
	for _, r := range repos {
		wantRepo(t, s, r)
	}

	e = testEvent(testDID(2), storage.EventAccount, 79)
	attempt(t, "DeleteAccount", func() error { return discard(s.DeleteAccount(ctx, testDID(2), e)) }, logged(e))
	log = slices.DeleteFunc(log, func(s string) bool { return s[:len(testDID(2))] == string(testDID(2)) })
	log = append(log, kinds([]storage.Event{e})...)
	want(t, "the log", kinds(events(t, s)), log)
	wantNoRepo(t, s, testDID(2), cidsOf(repos[2])...)

	workloadOfTokens(t, s)
	workloadOfBlobs(t, s)
	for n := range 2 {
		wantRepo(t, s, repos[n])
	}
	want(t, "the log", kinds(events(t, s)), log)
	attempt(t, "TrimEvents", func() error { _, err := s.TrimEvents(ctx, at(1e6), 1e6); return err }, func() bool {
		return len(events(t, s)) == 0
	})
	ok(t, "Check", Check(ctx, s))
}

func workloadOfTokens(t *testing.T, s *Faulty) {
	ctx := t.Context()
	value := func() string {
		token, err := s.Token(ctx, "kind", "id")
		if err != nil {
			return "none"
		}
		return string(token.Value)
	}
	token := testToken("kind", "id", testDID(0), 9)
	for _, v := range []string{"first", "second", "third"} {
		next := token
		next.Value = []byte(v)
		attempt(t, "writing a token", func() error {
			if v == "first" {
				return s.PutToken(ctx, next)
			}
			return s.SwapToken(ctx, token, next)
		}, func() bool { return value() == v })
		want(t, "the token's value", value(), v)
		token = next
	}
	attempt(t, "TakeToken", func() error { _, err := s.TakeToken(ctx, "kind", "id"); return err }, func() bool {
		return value() == "none"
	})
	want(t, "the token's value", value(), "none")
	for range 2 {
		attempt(t, "PutToken", func() error { return s.PutToken(ctx, token) }, func() bool { return value() != "none" })
		attempt(t, "DeleteTokens", func() error { return s.DeleteTokens(ctx, testDID(0)) }, func() bool { return value() == "none" })
		attempt(t, "PutToken", func() error { return s.PutToken(ctx, token) }, func() bool { return value() != "none" })
		attempt(t, "ExpireTokens", func() error { _, err := s.ExpireTokens(ctx, at(9), 9); return err }, func() bool {
			return value() == "none"
		})
	}

	key := func() bool { _, err := s.Key(ctx, "name"); return err == nil }
	attempt(t, "PutKey", func() error { return s.PutKey(ctx, "name", []byte("sealed")) }, key)
	want(t, "the key", string(must(s.Key(ctx, "name"))(t)), "sealed")
	attempt(t, "DeleteKey", func() error { return s.DeleteKey(ctx, "name") }, func() bool { return !key() })
	want(t, "whether there is a key", key(), false)
}

// workloadOfBlobs deletes all blobs that nobody refers to: one that is uploaded here, those that a replacement has left, and
// those of the account that was deleted.
func workloadOfBlobs(t *testing.T, s *Faulty) {
	ctx := t.Context()
	b := testBlob(testDID(0), "temporary", 1)
	row := func() storage.Blob { row, _ := s.Blob(ctx, b.DID, b.CID); return row }
	attempt(t, "PutBlob", func() error { return s.PutBlob(ctx, b) }, func() bool { return row().Size > 0 })
	for _, ref := range []string{"ref", ""} {
		attempt(t, "SetBlobTakedown", func() error { return s.SetBlobTakedown(ctx, b.DID, b.CID, ref) }, func() bool {
			return row().TakedownRef == ref
		})
	}
	removed := make(map[storage.BlobID]bool)
	for range 100 {
		var ids []storage.BlobID
		attempt(t, "ClaimBlobs", func() (err error) { ids, err = s.ClaimBlobs(ctx, at(2), 2); return err }, func() bool {
			var err error // what is marked comes again
			ids, err = s.Store.ClaimBlobs(ctx, at(2), 2)
			return err == nil
		})
		if len(ids) == 0 {
			break
		}
		for _, id := range ids {
			removed[id] = true
			attempt(t, "RemoveBlob", func() error { return s.RemoveBlob(ctx, id) }, func() bool {
				return !slices.Contains(must(s.Store.ClaimBlobs(ctx, at(0), 100))(t), id)
			})
		}
	}
	want(t, "number of blobs removed", len(removed), 8)
	want(t, "blobs that are still to be removed", must(s.Store.ClaimBlobs(ctx, at(2), 100))(t), nil)
}
