package storagetest

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

func testIteratorsLazy(t *testing.T, s storage.Store) {
	before := listings(t.Context(), s)
	populate(t, s)
	for what, seq := range listings(t.Context(), s) {
		now, then := 0, 0
		for err := range seq {
			ok(t, what, err)
			now++
		}
		for err := range before[what] {
			ok(t, what, err)
			then++
		}
		want(t, what+": pairs", then, now)
	}
}

// listings returns every listing of a store in which populate has put things, each once for every kind of range.
func listings(ctx context.Context, s storage.Store) map[string]iter.Seq[error] {
	did := testDID(1)
	records := func(in storage.RecordRange) iter.Seq[error] { return errorsOf(s.Records(ctx, did, in)) }
	documents := func(r storage.DocumentRange) iter.Seq[error] { return errorsOf(s.ListDocuments(ctx, r)) }
	return map[string]iter.Seq[error]{
		"ListAccounts":                errorsOf(s.ListAccounts(ctx, 0, 10)),
		"DueAccounts":                 errorsOf(s.DueAccounts(ctx, at(9), 10)),
		"Records":                     records(storage.RecordRange{}),
		"Records by subject":          records(storage.RecordRange{Collection: "a.b.c", Subject: "subject"}),
		"Records by blob":             records(storage.RecordRange{Blob: blobOf("all")}),
		"ListByCollection":            errorsOf(s.ListByCollection(ctx, "a.b.c", "", 10)),
		"ListEvents":                  errorsOf(s.ListEvents(ctx, storage.EventRange{})),
		"ListEvents of one account":   errorsOf(s.ListEvents(ctx, storage.EventRange{DID: did})),
		"ListDocuments by kind":       documents(storage.DocumentRange{Kind: "kind"}),
		"ListDocuments by owner":      documents(storage.DocumentRange{Owner: did}),
		"ListDocuments by both":       documents(storage.DocumentRange{Kind: "kind", Owner: did}),
		"ListBlobs":                   errorsOf(s.ListBlobs(ctx, did, storage.BlobRange{})),
		"ListBlobs, the missing ones": errorsOf(s.ListBlobs(ctx, did, storage.BlobRange{Missing: true})),
		"ListTakedowns":               errorsOf(s.ListTakedowns(ctx, did)),
	}
}

// populate gives each listing of listings three things to yield or more, and returns the first account's repo.
func populate(t testing.TB, s storage.Store) *tree {
	t.Helper()
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	create(t, s, 2, put("a.b.c/1", "1"))
	create(t, s, 3, put("a.b.c/1", "1"))
	var writes []storage.RecordWrite
	for _, id := range []string{"1", "2", "3"} {
		writes = append(writes, about("a.b.c/"+id, id, "subject", blobOf(id), blobOf("all")))
	}
	c, r := r.commit(writes...)
	c.AllowMissingBlobs = true
	must(s.Commit(ctx, c))(t)
	for _, id := range []string{"1", "2", "3"} {
		store(t, s, testDocument("kind", id, did, 1))
		r = takeDown(t, s, r, "a.b.c/"+id, "ref")
		upload(t, s, testBlob(did, "taken down "+id, 1))
		takeDownBlob(t, s, did, "taken down "+id, "ref")
	}
	for n := range 3 {
		end(t, s, n+1, n)
	}
	return r
}

func errorsOf[V any](seq iter.Seq2[V, error]) iter.Seq[error] {
	return func(yield func(error) bool) {
		for _, err := range seq {
			if !yield(err) {
				return
			}
		}
	}
}

func testIteratorsStop(t *testing.T, s storage.Store) {
	populate(t, s)
	for what, seq := range listings(t.Context(), s) {
		n := 0
		for err := range seq { // a listing that goes on after this makes the loop panic
			ok(t, what, err)
			if n++; n == 2 {
				break
			}
		}
		want(t, what+": pairs until the loop stopped", n, 2)
	}
	for what := range listings(t.Context(), s) {
		ctx, cancel := context.WithCancel(t.Context())
		for range listings(ctx, s)[what] {
			cancel()
			break // and nothing comes of the context
		}
		cancel()
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ok(t, "Snapshot", s.Snapshot(t.Context(), func(r storage.RepoReader) error {
		for range r.Records(ctx, testDID(1), storage.RecordRange{}) {
			cancel()
			break
		}
		return nil
	}))
	for what, seq := range listings(ctx, s) {
		var last error
		for err := range seq {
			if last != nil {
				t.Fatalf("%s: went on after error %v", what, last)
			}
			last = err
		}
		if last != nil && !errors.Is(last, context.Canceled) {
			t.Errorf("%s: error is %v, want %v", what, last, context.Canceled)
		}
	}
}
