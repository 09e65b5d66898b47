package repo

import (
	"fmt"
	"testing"

	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/repo/mst"
)

// TestReplaceAllRecords makes commits that leave nothing of the old records, which indigo can invert in some orders of
// their operations only.
func TestReplaceAllRecords(t *testing.T) {
	r := newRand(t)
	for n := range 100 {
		e, store := newRepo(t)
		before, after := 1+r.IntN(n+1), 1+r.IntN(n+1)
		random := func(prefix byte, fits func(height int) bool) string {
			for {
				p := fmt.Sprintf("com.example.record/%c%d", prefix, r.Int())
				if fits(mst.HeightForKey([]byte(p))) {
					return p
				}
			}
		}
		var creates, deletes []Op
		for i := range before {
			p := random("am"[n%2], func(height int) bool { return height == 0 })
			op := Op{Action: Create, Path: p, Value: record(t, fmt.Sprint(i))}
			creates = append(creates, op)
			deletes = append(deletes, Op{Action: Delete, Path: op.Path})
		}
		apply(t, e, creates...)
		ops := deletes
		for i := range after {
			p := random('f', func(height int) bool { return height > 0 })
			ops = append(ops, Op{Action: Put, Path: p, Value: record(t, fmt.Sprint(i))})
		}
		if n%3 == 0 {
			r.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
		}
		res := apply(t, e, ops...)
		msg := decodeCommitEvent(t, eventBySeq(t, store, res.Seq))
		if _, err := repo.VerifyCommitMessage(t.Context(), msg); err != nil {
			t.Errorf("%d records replaced by %d: %v", before, after, err)
		}
	}
}

// TestEventKeepsOrder shows that the operations of other commits come in the caller's order.
func TestEventKeepsOrder(t *testing.T) {
	e, store := newRepo(t)
	one := record(t, "one")
	at := func(rkey string) string { return "com.example.record/" + rkey }
	apply(t, e, Op{Action: Create, Path: at("b"), Value: one}, Op{Action: Create, Path: at("x"), Value: one})
	res := apply(t, e, Op{Action: Delete, Path: at("x")},
		Op{Action: Put, Path: at("c"), Value: one}, Op{Action: Put, Path: at("a"), Value: one})
	var got []string
	for _, op := range decodeCommitEvent(t, eventBySeq(t, store, res.Seq)).Ops {
		got = append(got, op.Action+" "+op.Path)
	}
	if fmt.Sprint(got) != fmt.Sprint([]string{"delete " + at("x"), "create " + at("c"), "create " + at("a")}) {
		t.Errorf("operations %q", got)
	}
}
