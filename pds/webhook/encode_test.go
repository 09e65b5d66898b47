package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

const alice = syntax.DID("did:web:alice.example")

type nobody struct{}

func (nobody) Sign(context.Context, syntax.DID, []byte) ([]byte, error) { return make([]byte, 64), nil }

// commits returns the event of a commit that creates three records, one of which has all that JSON of the data model is
// about, and of one that changes one and deletes another.
func commits(t testing.TB) []firehose.Event {
	t.Helper()
	store := memory.New()
	engine, err := repo.New(repo.Config{Store: store, Signer: nobody{}})
	check(t, err)
	genesis, err := engine.Genesis(t.Context(), alice)
	check(t, err)
	account := storage.Account{DID: alice, Handle: "alice.example"}
	_, err = store.CreateAccount(t.Context(), storage.NewAccount{Account: account, Commit: genesis})
	check(t, err)
	put := func(path, value string) repo.Op {
		record, err := atdata.UnmarshalJSON([]byte(value))
		check(t, err)
		b, err := atdata.MarshalCBOR(record)
		check(t, err)
		return repo.Op{Action: repo.Put, Path: path, Value: b}
	}
	for _, ops := range [][]repo.Op{
		{
			put("com.example.post/1", `{"$type":"com.example.post","text":"<\u0000>","bytes":{"$bytes":"AQID"},`+
				`"link":{"$link":"bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"},"list":[1,null,true]}`),
			put("com.example.post/2", `{"$type":"com.example.post"}`),
			put("org.example.like/1", `{"$type":"org.example.like"}`),
		},
		{
			put("com.example.post/2", `{"$type":"com.example.post","text":"other"}`),
			{Action: repo.Delete, Path: "org.example.like/1"},
		},
	} {
		_, err := engine.Apply(t.Context(), alice, repo.Batch{Ops: ops})
		check(t, err)
	}
	var events []firehose.Event
	for e, err := range (firehose.Log{Events: store}).Subscribe(t.Context(), 0) {
		check(t, err)
		if e.Commit != nil && len(e.Commit.Ops) > 0 {
			events = append(events, e)
		}
		if len(events) == 2 {
			break
		}
	}
	return events
}

// A commit is what the documentation says, with the records as JSON of the data model.
func TestCommitJSON(t *testing.T) {
	for i, e := range commits(t) {
		ops := e.Commit.Ops
		var want string
		if i == 0 {
			want = fmt.Sprintf(`{"seq":%d,"did":"did:web:alice.example","time":%q,"type":"commit","rev":%q,"since":%q,"ops":[`+
				`{"action":"create","collection":"com.example.post","rkey":"1","cid":%q,"record":{"$type":"com.example.post",`+
				`"bytes":{"$bytes":"AQID"},"link":{"$link":"bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"},`+
				`"list":[1,null,true],"text":"<\u0000>"}},`+
				`{"action":"create","collection":"com.example.post","rkey":"2","cid":%q,"record":{"$type":"com.example.post"}},`+
				`{"action":"create","collection":"org.example.like","rkey":"1","cid":%q,"record":{"$type":"org.example.like"}}]}`,
				e.Seq, e.Time.UTC().Format("2006-01-02T15:04:05.999999999Z"), e.Commit.Rev, e.Commit.Since,
				ops[0].CID, ops[1].CID, ops[2].CID)
		} else {
			want = fmt.Sprintf(`{"seq":%d,"did":"did:web:alice.example","time":%q,"type":"commit","rev":%q,"since":%q,"ops":[`+
				`{"action":"update","collection":"com.example.post","rkey":"2","cid":%q,"prev":%q,`+
				`"record":{"$type":"com.example.post","text":"other"}},`+
				`{"action":"delete","collection":"org.example.like","rkey":"1","prev":%q}]}`,
				e.Seq, e.Time.UTC().Format("2006-01-02T15:04:05.999999999Z"), e.Commit.Rev, e.Commit.Since,
				ops[0].CID, ops[0].Prev, ops[1].Prev)
		}
		same(t, e, want)
	}
}

func same(t *testing.T, e firehose.Event, want string) {
	t.Helper()
	event, ok := filter{}.event(e)
	if !ok {
		t.Fatal("it is left out")
	}
	raw, err := json.Marshal(event)
	check(t, err)
	var got, wanted any
	check(t, json.Unmarshal(raw, &got))
	check(t, json.Unmarshal([]byte(want), &wanted))
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var back Event
	check(t, json.Unmarshal(raw, &back))
	again, err := json.Marshal(back)
	if err != nil || !bytes.Equal(raw, again) {
		t.Errorf("decoded into an Event it is %s, %v", again, err)
	}
}

func TestOtherJSON(t *testing.T) {
	const head = `{"seq":7,"did":"did:web:alice.example","time":"2026-01-02T12:00:00Z",`
	for want, e := range map[string]firehose.Event{
		`"type":"sync","rev":"3mbgyhqcj2k2a"}`:        {Sync: &firehose.Sync{Rev: "3mbgyhqcj2k2a"}},
		`"type":"identity","handle":"alice.example"}`: {Identity: &firehose.Identity{Handle: "alice.example"}},
		`"type":"identity"}`:                          {Identity: &firehose.Identity{}},
		`"type":"account","active":true}`:             {Account: &firehose.Account{Active: true, Status: storage.StatusActive}},
		`"type":"account","status":"deleted"}`:        {Account: &firehose.Account{Status: firehose.StatusDeleted}},
		`"type":"commit","rev":"3mbgyhqcj2k2a"}`:      {Commit: &firehose.Commit{Rev: "3mbgyhqcj2k2a"}},
		`"type":"commit","rev":"3mbgyhqcj2k2a","since":"3mbgyhqcj2j2a","ops":[{"action":"create","collection":"a.b.c","rkey":"1"}]}`: {
			// The log doesn't have the record.
			Commit: &firehose.Commit{Rev: "3mbgyhqcj2k2a", Since: "3mbgyhqcj2j2a", Ops: []firehose.Op{
				{Action: firehose.Create, Collection: "a.b.c", RecordKey: "1"},
			}},
		},
	} {
		e.Seq, e.DID, e.Time = 7, alice, noon
		same(t, e, head+want)
	}
}

func TestFilter(t *testing.T) {
	two := commits(t)
	events := []firehose.Event{
		two[0], two[1],
		{Commit: &firehose.Commit{}},
		{Sync: &firehose.Sync{}}, {Identity: &firehose.Identity{}}, {Account: &firehose.Account{}},
	}
	for _, c := range []struct {
		filter filter
		want   []string
	}{
		{filter{}, []string{"commit 3", "commit 2", "commit 0", "sync 0", "identity 0", "account 0"}},
		{filter{types: []Type{TypeCommit}}, []string{"commit 3", "commit 2", "commit 0"}},
		{filter{types: []Type{TypeSync, TypeAccount}}, []string{"sync 0", "account 0"}},
		{
			filter{collections: []string{"com.example.post"}},
			[]string{"commit 2", "commit 1", "sync 0", "identity 0", "account 0"},
		},
		{
			filter{[]Type{TypeCommit}, []string{"com.example.*", "org.example.like"}},
			[]string{"commit 3", "commit 2"},
		},
		{filter{[]Type{TypeCommit}, []string{"com.example.*"}}, []string{"commit 2", "commit 1"}},
		{filter{[]Type{TypeCommit}, []string{"com.example.pos", "com.exam.*", "com.example.post.more"}}, nil},
	} {
		var got []string
		for _, e := range events {
			if out, ok := c.filter.event(e); ok {
				got = append(got, fmt.Sprintf("%s %d", out.Type, len(out.Ops)))
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %q, want %q", c.filter, got, c.want)
		}
	}
}

func TestPatterns(t *testing.T) {
	for pattern, want := range map[string]bool{
		"com.example.post": true, "com.example.*": true, "com.*": true, "app.bsky.feed.*": true,
		"": false, "*": false, ".*": false, "com.example": false, "com.example*": false, "com..*": false, "com.*.post": false,
	} {
		if isPattern(pattern) != want {
			t.Errorf("%q: %t", pattern, !want)
		}
	}
}
