package storagetest

import (
	"math"
	"slices"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

var eventSentences = []sentence{
	{"Events", "the log", "Events keeps the outgoing log: what the firehose sends.", testEvents},
	{"Events", "numbers increase", "Sequence numbers are positive, strictly increase, and are never given twice, not even " +
		"after the newest event was removed or the process killed; there may be gaps.", testSeqs},
	{"Events.AppendEvents", "in this order", "AppendEvents appends events that don't come with another write, in this order, " +
		"and returns the sequence number of the last, or 0 if there are none.", testEvents},
	{"Events.ListEvents", "pages", "ListEvents yields the events of a range.", testListEvents},
	{"Events.ListEvents", "of one account", "ListEvents yields the events of a range.", testListEventsOf},
	{"Events.ListEvents", "of every write", "ListEvents yields", testEventsOfAll},
	{"Events.LastSeq", "the highest number", "LastSeq returns the highest sequence number given so far", testSeqs},
	{"Events.LastSeq", "skipped numbers", "or the one that RaiseSeq has made it skip to, 0 before the first.", testRaiseSeq},
	{"Events.RaiseSeq", "greater numbers", "RaiseSeq makes the log skip the sequence numbers up to seq, so that events get " +
		"greater ones from now on, and LastSeq isn't less than seq.", testRaiseSeq},
	{"Events.RaiseSeq", "before the first event", "so that events get greater ones from now on", testRaiseFirst},
	{"Events.RaiseSeq", "never lowers", "It never lowers them: if LastSeq isn't less already, nothing changes.",
		testRaiseNever},
	{"Events.RaiseSeq", "out of range", "It is an error if seq is negative or greater than [MaxSeq], and nothing changes " +
		"then.", testRaiseRange},
	{"Events.TrimEvents", "the oldest", "TrimEvents removes up to limit events from the beginning of the log, as long as " +
		"they are older than before, and returns how many it removed.", testTrimEvents},
	{"Events.TrimEvents", "times out of order", "It stops at the first that isn't, even if later ones have an earlier time.",
		testTrimDisorder},
}

func testEvents(t *testing.T, s storage.Store) {
	ctx := t.Context()
	want(t, "the number of nothing", must(s.AppendEvents(ctx))(t), 0)
	e := []storage.Event{
		testEvent(testDID(2), storage.EventCommit, 1), testEvent(testDID(1), storage.EventSync, 2),
		testEvent(testDID(2), storage.EventIdentity, 3), testEvent(testDID(1), storage.EventAccount, 4),
		{DID: testDID(3), Kind: "#later", Time: at(5)},
	}
	e[1].Seq = 999 // to be ignored
	seq := must(s.AppendEvents(ctx, e...))(t)
	log := events(t, s)
	want(t, "number of events", len(log), len(e))
	want(t, "the number", seq, log[len(log)-1].Seq)
	for i := range e {
		e[i].Seq = log[i].Seq
	}
	want(t, "the log", log, e)
	want(t, "the number of nothing", must(s.AppendEvents(ctx))(t), 0)
	want(t, "the log", events(t, s), e)
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

func testListEvents(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range 12 { // in all, more than a backend fetches at a time
		var batch []storage.Event
		for j := range 100 {
			batch = append(batch, testEvent(testDID(j%3), storage.EventAccount, 100*i+j))
		}
		must(s.AppendEvents(ctx, batch...))(t)
	}
	log := events(t, s)
	want(t, "number of events", len(log), 1200)
	if !slices.IsSortedFunc(log, func(a, b storage.Event) int { return int(a.Seq - b.Seq) }) {
		t.Fatal("events aren't in order")
	}
	list := func(after int64, limit int) []storage.Event {
		return all(t, "ListEvents", s.ListEvents(ctx, storage.EventRange{After: after, Limit: limit}))
	}
	want(t, "the first", list(0, 2), log[:2])
	want(t, "some", list(log[9].Seq, 1100), log[10:1110])
	want(t, "the last", list(log[1197].Seq, 5), log[1198:])
	want(t, "those after the first hundred", list(log[99].Seq, 0), log[100:])
	want(t, "those after the last", list(log[1199].Seq, 0), nil)
	want(t, "those after what will be", list(log[1199].Seq+100, 5), nil)
	want(t, "those after before the first", list(-5, 1), log[:1])
}

func testEventsOfAll(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	a, r := newAccount(1)
	e := a.Commit.Events
	must(s.CreateAccount(ctx, a))(t)
	c, r := r.commit(put("a.b.c/1", "one"))
	e = append(e, c.Events...)
	must(s.Commit(ctx, c))(t)
	update := testEvent(did, storage.EventAccount, 5)
	e = append(e, update)
	must(s.UpdateAccount(ctx, did, func(*storage.Account) error { return nil }, update))(t)
	c, rows, _ := r.replace(put("a.b.c/2", "two"))
	e = append(e, c.Events...)
	must(s.Replace(ctx, c, rowsOf(rows)))(t)
	identity := testEvent(did, storage.EventIdentity, 6)
	e = append(e, identity)
	must(s.AppendEvents(ctx, identity))(t)
	log := events(t, s)
	for i := range min(len(e), len(log)) {
		e[i].Seq = log[i].Seq
	}
	want(t, "the log", log, e)
}

// testListEventsOf lists the events of accounts that have many, few and none.
func testListEventsOf(t *testing.T, s storage.Store) {
	ctx := t.Context()
	var batch []storage.Event
	for i := range 2000 { // those of one account are more than a backend fetches at a time
		n := 1
		if i%100 == 50 {
			n = 2
		}
		batch = append(batch, testEvent(testDID(n), storage.EventAccount, i))
	}
	must(s.AppendEvents(ctx, batch...))(t)
	r := create(t, s, 3)
	commit(t, s, r, put("a.b.c/1", "one"))
	check := func() {
		t.Helper()
		log := events(t, s)
		for n := range 5 {
			of := slices.DeleteFunc(slices.Clone(log), func(e storage.Event) bool { return e.DID != testDID(n) })
			for _, i := range []int{0, 1, 2, len(of) / 2, len(of) - 1, len(of)} {
				if i < 0 || i > len(of) {
					continue
				}
				in, rest := storage.EventRange{DID: testDID(n)}, of[i:]
				if i > 0 {
					in.After = of[i-1].Seq
				}
				want(t, "the account's events", all(t, "ListEvents", s.ListEvents(ctx, in)), rest)
				in.Limit = 3
				want(t, "a page of them", all(t, "ListEvents", s.ListEvents(ctx, in)), rest[:min(3, len(rest))])
			}
		}
	}
	check()
	must(s.TrimEvents(ctx, at(120), 1000))(t)
	check()
	must(s.DeleteAccount(ctx, testDID(3), testEvent(testDID(3), storage.EventAccount, 1)))(t)
	check()
}

func testTrimDisorder(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for _, when := range []int{5, 1, 9, 2, 3, 9, 1} {
		must(s.AppendEvents(ctx, testEvent(testDID(1), storage.EventAccount, when)))(t)
	}
	log := events(t, s)
	for _, step := range []struct{ before, limit, removed int }{
		{5, 99, 0}, {6, 1, 1}, {6, 99, 1}, {9, 99, 0}, {10, 2, 2}, {4, 99, 1}, {4, 99, 0}, {99, 99, 2},
	} {
		want(t, "number of events removed", must(s.TrimEvents(ctx, at(step.before), step.limit))(t), step.removed)
		log = log[step.removed:]
		want(t, "the log", events(t, s), log)
	}
}

func testTrimEvents(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range 10 {
		must(s.AppendEvents(ctx, testEvent(testDID(i%2), storage.EventAccount, i)))(t)
	}
	log := events(t, s)
	trim := func(before, limit, n int) {
		t.Helper()
		want(t, "number of events removed", must(s.TrimEvents(ctx, at(before), limit))(t), n)
		log = log[n:]
		want(t, "the log", events(t, s), log)
	}
	trim(0, 99, 0)
	trim(1, 99, 1) // at(1) isn't older than at(1)
	trim(5, 3, 3)
	trim(5, 3, 1)
	trim(5, 3, 0)
	trim(99, 99, 5)
	trim(99, 99, 0)
}
