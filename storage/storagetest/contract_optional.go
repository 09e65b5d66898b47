package storagetest

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

var optionalSentences = []sentence{
	{"Maintainer", "without one", "A store without it removes what is no longer reachable within the method that makes it " +
		"so.", testReplaceRoom},
	{"Maintainer.Maintain", "removes garbage", "Maintain removes garbage", testReplaceRoom},
	{"Maintainer.Maintain", "nothing that is seen changes", "It changes nothing that another method of the store can see.",
		testMaintain},
	{"Maintainer.Maintain", "the context", "Ending early for ctx is no error.", func(t *testing.T, s storage.Store) {
		m := capability[storage.Maintainer](t, s)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		replaceOften(t, s, create(t, s, 1), 1)
		ok(t, "Maintain", m.Maintain(ctx))
	}},
	{"Repos.Replace", "room", "The rows that were replaced take room no longer than until the next Maintain has ended; see " +
		"[Maintainer].", testReplaceRoom},
	{"Sizer.Size", "grows", "Size returns about how many bytes the content takes up.", testSize},
	{"Sizer.Size", "shrinks", "Garbage that Maintain hasn't removed yet counts; room that is free to be used again doesn't.",
		testSize},
}

// capability returns what a store can do beyond a [storage.Store]. It skips the test if the store
// can't.
func capability[T any](t *testing.T, s storage.Store) T {
	t.Helper()
	c, ok := storage.As[T](s)
	if !ok {
		t.Skipf("the store is no %s", reflect.TypeFor[T]())
	}
	return c
}

// maintain removes all garbage, if that is for the suite to do.
func maintain(t testing.TB, s storage.Store) {
	t.Helper()
	if m, there := storage.As[storage.Maintainer](s); there {
		ok(t, "Maintain", m.Maintain(t.Context()))
	}
}

// replaceOften replaces a repo n times by two megabytes of new records, and returns what it is
// then.
func replaceOften(t testing.TB, s storage.Store, r *tree, n int) *tree {
	t.Helper()
	for range n {
		var writes []storage.RecordWrite
		for i := range 32 {
			writes = append(writes, put(fmt.Sprintf("a.b.c/%02d", i), large(r.commits, i)))
		}
		c, rows, next := r.replace(writes...)
		must(s.Replace(t.Context(), c, rowsOf(rows)))(t)
		maintain(t, s)
		r = next
	}
	return r
}

func testReplaceRoom(t *testing.T, s storage.Store) {
	sizer := capability[storage.Sizer](t, s)
	r := replaceOften(t, s, create(t, s, 1), 2)
	before := must(sizer.Size(t.Context()))(t)
	r = replaceOften(t, s, r, 10)
	if after := must(sizer.Size(t.Context()))(t); after > before+before/2+4<<20 {
		t.Fatalf("the store takes %d bytes, and took %d before the same content was replaced 10 times", after, before)
	}
	wantRepo(t, s, r)
}

func testMaintain(t *testing.T, s storage.Store) {
	capability[storage.Maintainer](t, s)
	r := populate(t, s)
	c, rows, next := r.replace(about("a.b.c/1", "one", "x"), put("a.b.c/2", "two"), put("a.b.c/3", "two"))
	must(s.Replace(t.Context(), c, rowsOf(rows)))(t)
	must(s.DeleteAccount(t.Context(), testDID(3)))(t)
	log := events(t, s)
	for range 2 {
		maintain(t, s)
		wantRepo(t, s, next)
		wantSubjects(t, s, next, "x", "subject")
		want(t, "the log", events(t, s), log)
		ok(t, "Check", Check(t.Context(), s))
	}
}

func testSize(t *testing.T, s storage.Store) {
	sizer := capability[storage.Sizer](t, s)
	size := func() int64 {
		maintain(t, s)
		return must(sizer.Size(t.Context()))(t)
	}
	empty := size()
	replaceOften(t, s, create(t, s, 1), 3)
	full := size()
	if full < empty+2<<20 {
		t.Errorf("with more than two megabytes of records the store takes %d bytes, without %d", full, empty)
	}
	must(s.DeleteAccount(t.Context(), testDID(1)))(t)
	if rest := size(); rest > full-1<<20 {
		t.Errorf("when two megabytes of records were deleted the store takes %d bytes, and it took %d", rest, full)
	}
}
