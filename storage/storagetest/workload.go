package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// workload is what meets the faults: writes of every kind, to three accounts.
type workload struct {
	*testing.T
	*Faulty
	calm bool // while there are no faults

	repos [3]*tree
	log   []string // as [kinds] returns it
}

func runWorkload(t *testing.T, store storage.Store, decide func(method string) Fault) {
	w := &workload{T: t}
	w.Faulty = &Faulty{Store: store, Decide: func(method string) Fault {
		if w.calm {
			return NoFault
		}
		return decide(method)
	}}
	for _, part := range []func(){w.accounts, w.commits, w.events, w.deletion, w.documents, w.blobs} {
		part()
		want(t, "the log", kinds(events(t, w.Faulty)), w.log)
		for n, r := range w.repos {
			if r != nil {
				wantRepo(t, w.Faulty, r)
			} else {
				wantNoRepo(t, w.Faulty, testDID(n))
			}
		}
		ok(t, "Check", Check(t.Context(), w.Faulty))
	}
	w.attempt("TrimEvents", func() error { return only(w.TrimEvents(t.Context(), at(1e6), 1e6)) }, func() bool {
		return len(events(t, w.Faulty)) == 0
	}, nil)
	ok(t, "Check", Check(t.Context(), w.Faulty))
}

// attempt does a write until it has happened: it returned no error, or happened finds it. Then it does it once more
// without a fault, as a caller does that doesn't look first, and that has to meet the error again, if there is one.
func (w *workload) attempt(what string, write func() error, happened func() bool, again ...error) {
	w.Helper()
	for range 100 {
		err := write()
		if err == nil || errors.Is(err, ErrFault) && happened() {
			for _, target := range again {
				w.calm = true
				fails(w, what+" again", write(), target)
				w.calm = false
			}
			return
		}
		fails(w, what, err, ErrFault)
	}
	w.Fatalf("%s: it doesn't happen", what)
}

// only returns the error of a write.
func only[V any](_ V, err error) error { return err }

// logged notes an event that is to be in the log, and returns a function that finds out whether it is.
func (w *workload) logged(e storage.Event) func() bool {
	entry := kinds([]storage.Event{e})[0]
	w.log = append(w.log, entry)
	return func() bool { return slices.Contains(kinds(events(w, w.Faulty)), entry) }
}

func (w *workload) accounts() {
	ctx := w.Context()
	for n := range w.repos {
		a, r := newAccount(n, put("a.b.c/0", "first"))
		w.attempt("CreateAccount", func() error { return only(w.CreateAccount(ctx, a)) }, func() bool {
			_, err := w.Account(ctx, testDID(n))
			return err == nil
		}, storage.ErrExists)
		w.repos[n] = r
		w.log = append(w.log, kinds(a.Commit.Events)...)
	}
}

func (w *workload) commits() {
	for i, name := range []string{"1", "2", "3"} {
		for n := range w.repos {
			b := testBlob(testDID(n), name, 50)
			w.attempt("PutBlob", func() error { return w.PutBlob(w.Context(), b, nil) }, func() bool {
				_, err := w.Blob(w.Context(), b.DID, b.CID)
				return err == nil
			}, nil)
			w.write(n, i == 2, put("a.b.c/"+name, name, b.CID), put("d.e.f/1", name))
			w.takeDown(n, "d.e.f/1", name) // which the next write doesn't change
		}
		w.write(i, false, del("a.b.c/0"))
		w.write(i, false, put("a.b.c/0", fmt.Sprint("again ", i)))
	}
}

// write commits writes to the n-th repo, or makes them its whole content.
func (w *workload) write(n int, replace bool, writes ...storage.RecordWrite) {
	ctx := w.Context()
	c, next := w.repos[n].commit(writes...)
	do := func() error { return only(w.Commit(ctx, c)) }
	if replace {
		var rows []storage.Row
		c, rows, next = w.repos[n].replace(writes...)
		do = func() error { return only(w.Replace(ctx, c, rowsOf(rows))) }
	}
	w.attempt("Commit", do, func() bool {
		return must(w.Head(ctx, testDID(n)))(w).Commit == c.Head.Commit
	}, storage.ErrConflict)
	w.repos[n] = next
	w.log = append(w.log, kinds(c.Events)...)
}

// takeDown takes down a record of the n-th repo.
func (w *workload) takeDown(n int, path, ref string) {
	ctx, did := w.Context(), testDID(n)
	down := storage.Takedown{DID: did, Path: path, Ref: ref}
	w.attempt("SetTakedown", func() error { return w.SetTakedown(ctx, down) }, func() bool {
		return must(w.Record(ctx, did, path))(w).TakedownRef == ref
	}, nil)
	w.repos[n] = w.repos[n].takeDown(path, ref)
}

func (w *workload) events() {
	ctx := w.Context()
	e := testEvent(testDID(0), storage.EventAccount, 77)
	w.attempt("UpdateAccount", func() error {
		return only(w.UpdateAccount(ctx, e.DID, func(a *storage.Account) error { a.PasswordHash += "+"; return nil }, e))
	}, w.logged(e))
	want(w, "PasswordHash", must(w.Account(ctx, e.DID))(w).PasswordHash, "hash of a password+")
	e = testEvent(testDID(1), storage.EventIdentity, 78)
	w.attempt("AppendEvents", func() error { return only(w.AppendEvents(ctx, e)) }, w.logged(e))
	last := func() int64 { return must(w.LastSeq(ctx))(w) }
	seq := last() + 100
	w.attempt("RaiseSeq", func() error { return w.RaiseSeq(ctx, seq) }, func() bool { return last() == seq }, nil)
	want(w, "LastSeq", last(), seq)
}

func (w *workload) deletion() {
	e := testEvent(testDID(2), storage.EventAccount, 79)
	w.log = slices.DeleteFunc(w.log, func(s string) bool { return s[:len(e.DID)] == string(e.DID) })
	w.attempt("DeleteAccount", func() error { return only(w.DeleteAccount(w.Context(), e.DID, e)) }, w.logged(e), nil)
	wantNoRepo(w, w.Faulty, e.DID, cidsOf(w.repos[2])...)
	w.repos[2] = nil
}

func (w *workload) documents() {
	t, s, ctx := w.T, w.Faulty, w.Context()
	value := func() string {
		d, err := s.Document(ctx, "kind", "id")
		if err != nil {
			return "none"
		}
		return string(d.Value)
	}
	d := testDocument("kind", "id", testDID(0), 9)
	for _, v := range []string{"first", "second", "third"} {
		next := d
		next.Value = []byte(v)
		write, again := func() error { return s.SwapDocument(ctx, d, fresh(next)) }, storage.ErrConflict
		if v == "first" {
			write, again = func() error { return s.PutDocument(ctx, fresh(next)) }, storage.ErrExists
		}
		w.attempt("writing a document", write, func() bool { return value() == v }, again)
		want(t, "the document's value", value(), v)
		d = next
	}
	none := func() bool { return value() == "none" }
	w.attempt("TakeDocument", func() error { return only(s.TakeDocument(ctx, "kind", "id")) }, none, storage.ErrNotFound)
	want(t, "the document's value", value(), "none")
	for _, remove := range []func() error{
		func() error { return s.DeleteDocuments(ctx, testDID(0), "kind") },
		func() error { return only(s.ExpireDocuments(ctx, at(9), 9)) },
	} {
		some := func() bool { return value() == string(d.Value) }
		w.attempt("PutDocument", func() error { return s.PutDocument(ctx, fresh(d)) }, some, storage.ErrExists)
		w.attempt("removing a document", remove, none, nil)
		want(t, "the document's value", value(), "none")
	}
}

// blobs deletes all blobs that nobody refers to: one that is uploaded here, those that a replacement has left, and
// those of the account that was deleted.
func (w *workload) blobs() {
	t, s, ctx := w.T, w.Faulty, w.Context()
	b := testBlob(testDID(0), "temporary", 1)
	row := func() storage.Blob { row, _ := s.Blob(ctx, b.DID, b.CID); return row }
	w.attempt("PutBlob", func() error { return s.PutBlob(ctx, b, nil) }, func() bool { return row().Size > 0 })
	for _, ref := range []string{"ref", ""} {
		down := storage.Takedown{DID: b.DID, Blob: b.CID, Ref: ref}
		w.attempt("SetTakedown", func() error { return s.SetTakedown(ctx, down) }, func() bool {
			return row().TakedownRef == ref
		})
	}
	removed := make(map[storage.BlobID]bool)
	for range 100 {
		var ids []storage.BlobID
		w.attempt("ClaimBlobs", func() (err error) { ids, err = s.ClaimBlobs(ctx, at(2), 2); return err }, func() bool {
			var err error // what is marked comes again
			ids, err = s.Store.ClaimBlobs(ctx, at(2), 2)
			return err == nil
		})
		if len(ids) == 0 {
			break
		}
		for _, id := range ids {
			removed[id] = true
			w.attempt("RemoveBlob", func() error { return s.RemoveBlob(ctx, id) }, func() bool {
				return !slices.Contains(must(s.Store.ClaimBlobs(ctx, at(0), 100))(t), id)
			}, nil)
		}
	}
	want(t, "number of blobs removed", len(removed), 8)
	want(t, "blobs that are still to be removed", must(s.Store.ClaimBlobs(ctx, at(2), 100))(t), nil)
}
