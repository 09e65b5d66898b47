package storagetest

import (
	"slices"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

var eventSentences = []sentence{
	{"Events", "the log", "Events keeps the outgoing log: what the firehose sends.", testEvents},
	{"Events.AppendEvents", "in this order", "AppendEvents appends events that don't come with another write, in this order, " +
		"and returns the sequence number of the last, or 0 if there are none.", testEvents},
	{"Events.ListEvents", "pages", "ListEvents yields the events of a range.", testListEvents},
	{"Events.ListEvents", "of one account", "ListEvents yields the events of a range.", testListEventsOf},
	{"Events.ListEvents", "of every write", "ListEvents yields", testEventsOfAll},
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
