package storagetest

import (
	"math"
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
