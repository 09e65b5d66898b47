package storagetest

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

func testIteratorsLazy(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	accounts := s.ListAccounts(ctx, 0, 10)
	due := s.DueAccounts(ctx, at(9), 10)
	records := s.Records(ctx, did, storage.RecordRange{})
	members := s.ListByCollection(ctx, "a.b.c", "", 10)
	log := s.ListEvents(ctx, 0, 0)
	tokens := s.ListTokens(ctx, "kind", did)
	blobs := s.ListBlobs(ctx, did, "", "", 10)
	missing := s.ListMissingBlobs(ctx, did, "", 10)
	recordTakedowns := s.ListRecordTakedowns(ctx, did)
	blobTakedowns := s.ListBlobTakedowns(ctx, did)

	r := create(t, s, 1)
	c, _ := r.commit(put("a.b.c/1", "one", blobOf("blob")))
	c.AllowMissingBlobs = true
	must(s.Commit(ctx, c))(t)
	ok(t, "PutToken", s.PutToken(ctx, testToken("kind", "id", did, 1)))
	ok(t, "SetRecordTakedown", s.SetRecordTakedown(ctx, did, "a.b.c/1", "ref"))
	ok(t, "PutBlob", s.PutBlob(ctx, testBlob(did, "taken down", 1)))
	ok(t, "SetBlobTakedown", s.SetBlobTakedown(ctx, did, blobOf("taken down"), "ref"))
	end(t, s, 1, 1)

	want(t, "ListAccounts", len(all(t, "ListAccounts", accounts)), 1)
	want(t, "DueAccounts", len(all(t, "DueAccounts", due)), 1)
	want(t, "Records", len(all(t, "Records", records)), 1)
	want(t, "ListByCollection", len(all(t, "ListByCollection", members)), 1)
	want(t, "ListEvents", len(all(t, "ListEvents", log)), 4)
	want(t, "ListTokens", len(all(t, "ListTokens", tokens)), 1)
	want(t, "ListBlobs", len(all(t, "ListBlobs", blobs)), 1)
	want(t, "ListMissingBlobs", len(all(t, "ListMissingBlobs", missing)), 1)
	want(t, "ListRecordTakedowns", len(all(t, "ListRecordTakedowns", recordTakedowns)), 1)
	want(t, "ListBlobTakedowns", len(all(t, "ListBlobTakedowns", blobTakedowns)), 1)
}

// listings returns every listing of a store in which populate has put things, with the number of pairs it yields.
func listings(ctx context.Context, s storage.Store) map[string]iter.Seq[error] {
	did := testDID(1)
	return map[string]iter.Seq[error]{
		"ListAccounts":     errorsOf(s.ListAccounts(ctx, 0, 10)),
		"DueAccounts":      errorsOf(s.DueAccounts(ctx, at(9), 10)),
		"Records":          errorsOf(s.Records(ctx, did, storage.RecordRange{})),
		"ListByCollection": errorsOf(s.ListByCollection(ctx, "a.b.c", "", 10)),
		"ListEvents":       errorsOf(s.ListEvents(ctx, 0, 0)),
		"ListTokens":       errorsOf(s.ListTokens(ctx, "kind", did)),
		"ListBlobs":        errorsOf(s.ListBlobs(ctx, did, "", "", 10)),
		"ListMissingBlobs": errorsOf(s.ListMissingBlobs(ctx, did, "", 10)),

		"ListRecordTakedowns": errorsOf(s.ListRecordTakedowns(ctx, did)),
		"ListBlobTakedowns":   errorsOf(s.ListBlobTakedowns(ctx, did)),
	}
}

// populate gives each listing of listings three things to yield or more, and returns the first account's repo.
func populate(t testing.TB, s storage.Store) *tree {
	t.Helper()
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	create(t, s, 2, put("a.b.c/1", "1"))
	create(t, s, 3, put("a.b.c/1", "1"))
	c, r := r.commit(put("a.b.c/1", "1", blobOf("1")), put("a.b.c/2", "2", blobOf("2")), put("a.b.c/3", "3", blobOf("3")))
	c.AllowMissingBlobs = true
	must(s.Commit(ctx, c))(t)
	for _, id := range []string{"1", "2", "3"} {
		ok(t, "PutToken", s.PutToken(ctx, testToken("kind", id, did, 1)))
		r = takeDown(t, s, r, "a.b.c/"+id, "ref")
		ok(t, "PutBlob", s.PutBlob(ctx, testBlob(did, "taken down "+id, 1)))
		ok(t, "SetBlobTakedown", s.SetBlobTakedown(ctx, did, blobOf("taken down "+id), "ref"))
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

func testLoopBody(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := populate(t, s)
	i := 0
	for what, seq := range listings(ctx, s) {
		n := 0
		within(t, "calling the store while ranging over "+what, func() error {
			for err := range seq {
				if err != nil {
					return err
				}
				i++
				c, next := r.commit(put("z.z.z/"+string(rune('a'+i)), what))
				if _, err := s.Commit(ctx, c); err != nil {
					return err
				}
				r = next
				if err := sameRepo(ctx, s, r); err != nil {
					return err
				}
				if _, err := collect(s.ListEvents(ctx, 0, 1)); err != nil {
					return err
				}
				if n++; n == 3 { // a listing may see what is written while it runs
					return nil
				}
			}
			return nil
		})
		if t.Failed() {
			return
		}
		want(t, what+": pairs", n, 3)
	}
	wantRepo(t, s, r)
}
