package storagetest

import (
	"math"
	"slices"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

var seqSentences = []sentence{
	{"Events", "numbers increase", "Sequence numbers are positive, strictly increase, and are never given twice, not even " +
		"after the newest event was removed or the process killed; there may be gaps.", testSeqs},
	{"Events.LastSeq", "the highest number", "LastSeq returns the highest sequence number given so far", testSeqs},
	{"Events.LastSeq", "skipped numbers", "or the one that RaiseSeq has made it skip to, 0 before the first.", testRaiseSeq},
	{"Events.RaiseSeq", "greater numbers", "RaiseSeq makes the log skip the sequence numbers up to seq, so that events get " +
		"greater ones from now on, and LastSeq isn't less than seq.", testRaiseSeq},
	{"Events.RaiseSeq", "before the first event", "so that events get greater ones from now on", testRaiseFirst},
	{"Events.RaiseSeq", "never lowers", "It never lowers them: if LastSeq isn't less already, nothing changes.",
		testRaiseNever},
	{"Events.RaiseSeq", "out of range", "It is an error if seq is negative or greater than [MaxSeq], and nothing changes " +
		"then.", testRaiseRange},
	{"Events", "no number is left", "A write of any method whose last event would get a number above [MaxSeq] fails with " +
		"an error that isn't a sentinel, and writes nothing at all.", testLastNumber},
}

func testSeqs(t *testing.T, s storage.Store) {
	ctx := t.Context()
	want(t, "LastSeq before the first event", must(s.LastSeq(ctx))(t), 0)
	var last int64
	for i := range 5 {
		create(t, s, i)
		seq := must(s.AppendEvents(ctx, testEvent(testDID(i), storage.EventAccount, i)))(t)
		if seq <= last {
			t.Fatalf("sequence number %d was given after %d", seq, last)
		}
		last = seq
		want(t, "LastSeq", must(s.LastSeq(ctx))(t), last)
		switch i { // the newest event is removed
		case 1:
			must(s.TrimEvents(ctx, at(9), 99))(t)
			want(t, "the log", events(t, s), nil)
		case 3:
			must(s.DeleteAccount(ctx, testDID(i)))(t)
		}
		want(t, "LastSeq after the newest event was removed", must(s.LastSeq(ctx))(t), last)
	}
	for _, e := range events(t, s) {
		if e.Seq <= 0 || e.Seq > last {
			t.Errorf("sequence number %d, the last is %d", e.Seq, last)
		}
	}
}

// wantNext appends an event, fails the test unless its number is greater than last, and returns it.
func wantNext(t testing.TB, s storage.Store, last int64) int64 {
	t.Helper()
	seq := must(s.AppendEvents(t.Context(), testEvent(testDID(1), storage.EventAccount, 1)))(t)
	if seq <= last {
		t.Fatalf("sequence number %d was given after %d", seq, last)
	}
	want(t, "LastSeq", must(s.LastSeq(t.Context()))(t), seq)
	return seq
}

func testRaiseSeq(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create(t, s, 1)
	for _, step := range []int64{1, 2, 1000, 1 << 40} {
		seq := must(s.LastSeq(ctx))(t) + step
		log := events(t, s)
		ok(t, "RaiseSeq", s.RaiseSeq(ctx, seq))
		want(t, "LastSeq", must(s.LastSeq(ctx))(t), seq)
		want(t, "the log", events(t, s), log)
		seq = wantNext(t, s, seq)
		after := events(t, s)
		want(t, "the earlier events", after[:len(after)-1], log)
		want(t, "the number of the new event", after[len(after)-1].Seq, seq)
		want(t, "the events after the gap", all(t, "ListEvents", s.ListEvents(ctx, storage.EventRange{After: seq - 1})), after[len(after)-1:])
		want(t, "the events around the gap", all(t, "ListEvents", s.ListEvents(ctx, storage.EventRange{After: log[0].Seq})), after[1:])
	}
	must(s.TrimEvents(ctx, at(1e6), 1e6))(t) // those before the gaps and after them
	want(t, "the log", events(t, s), nil)
	seq := must(s.LastSeq(ctx))(t) + 10
	ok(t, "RaiseSeq of an empty log", s.RaiseSeq(ctx, seq))
	wantNext(t, s, seq)
}

func testRaiseFirst(t *testing.T, s storage.Store) {
	ctx := t.Context()
	ok(t, "RaiseSeq", s.RaiseSeq(ctx, 0))
	want(t, "LastSeq", must(s.LastSeq(ctx))(t), 0)
	for _, seq := range []int64{7, 9} {
		ok(t, "RaiseSeq", s.RaiseSeq(ctx, seq))
		want(t, "LastSeq", must(s.LastSeq(ctx))(t), seq)
	}
	want(t, "the log", events(t, s), nil)
	wantNext(t, s, 9)
}

func testRaiseNever(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create(t, s, 1)
	last, log := int64(100), events(t, s)
	ok(t, "RaiseSeq", s.RaiseSeq(ctx, last))
	for range 3 {
		for _, seq := range []int64{0, 1, last - 1, last} {
			ok(t, "RaiseSeq", s.RaiseSeq(ctx, seq))
			want(t, "LastSeq", must(s.LastSeq(ctx))(t), last)
			want(t, "the log", events(t, s), log)
		}
		last = wantNext(t, s, last)
		log = events(t, s)
	}
	ok(t, "Check", Check(ctx, s))
}

func testRaiseRange(t *testing.T, s storage.Store) {
	ctx := t.Context()
	refused := func(last int64, seqs ...int64) {
		t.Helper()
		for _, seq := range append(seqs, -1, -1<<40, math.MinInt64, storage.MaxSeq+1, 1<<60, math.MaxInt64) {
			if s.RaiseSeq(ctx, seq) == nil {
				t.Fatalf("RaiseSeq takes %d", seq)
			}
			want(t, "LastSeq", must(s.LastSeq(ctx))(t), last)
		}
	}
	refused(0)
	seq := wantNext(t, s, 0)
	refused(seq)
	ok(t, "RaiseSeq", s.RaiseSeq(ctx, storage.MaxSeq-1000))
	refused(wantNext(t, s, storage.MaxSeq-1000))
	for range 2 {
		ok(t, "RaiseSeq", s.RaiseSeq(ctx, storage.MaxSeq))
		refused(storage.MaxSeq)
	}
}

// testLastNumber lets each method write when the log is at its end, or nearly so.
func testLastNumber(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1, put("a.b.c/0", "before"))
	account := must(s.Account(ctx, testDID(1)))(t)
	e := testEvent(testDID(1), storage.EventIdentity, 1)
	refused := func(what string, last int64, err error) {
		t.Helper()
		if err == nil || slices.Contains(sentinels, sentinel(err)) {
			t.Fatalf("%s: error is %v, want one that isn't a sentinel", what, err)
		}
		want(t, "LastSeq after "+what, must(s.LastSeq(ctx))(t), last)
	}
	ok(t, "RaiseSeq", s.RaiseSeq(ctx, storage.MaxSeq-1))
	log := events(t, s)
	refused("AppendEvents of two", storage.MaxSeq-1, only(s.AppendEvents(ctx, e, e)))
	want(t, "the log", events(t, s), log)
	want(t, "the last number", must(s.AppendEvents(ctx, e))(t), storage.MaxSeq)
	log = events(t, s)
	for _, w := range eventWriters {
		refused(w.name, storage.MaxSeq, w.write(ctx, s, r))
		want(t, "the log after "+w.name, events(t, s), log)
		want(t, "Account after "+w.name, must(s.Account(ctx, testDID(1)))(t), account)
		wantRepo(t, s, r)
		wantNoRepo(t, s, testDID(2))
		_, err := s.Account(ctx, testDID(2))
		fails(t, "Account", err, storage.ErrNotFound)
	}
	c, next := r.commit(put("a.b.c/1", "one"))
	c.Events = nil // it needs no number
	must(s.Commit(ctx, c))(t)
	wantRepo(t, s, next)
}
