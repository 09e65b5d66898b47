package firehose_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	appbsky "github.com/bluesky-social/indigo/api/bsky"
	"github.com/bluesky-social/indigo/atproto/atdata"
	lexutil "github.com/bluesky-social/indigo/lex/util"
	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	cbg "github.com/whyrusleeping/cbor-gen"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
)

const (
	rev1 = "3kaaaaaaaaa2a"
	rev2 = "3kaaaaaaaaa2b"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestDecodeCommit(t *testing.T) {
	hello, gone := postBytes(t, "hello"), sum(t, []byte("gone"))
	row := event(t, storage.EventCommit, commitBody(t, hello, gone))
	row.Seq = 7
	e, err := firehose.Decode(row)
	if err != nil {
		t.Fatal(err)
	}
	if e.Seq != 7 || e.DID != "did:web:a.example" || !e.Time.Equal(noon) || e.Sync != nil || e.Identity != nil || e.Account != nil {
		t.Errorf("got %+v", e)
	}
	if e.Commit.Rev != rev2 || e.Commit.Since != rev1 || len(e.Commit.Ops) != 3 {
		t.Fatalf("the commit is %+v", e.Commit)
	}
	create, remove, lost := &e.Commit.Ops[0], &e.Commit.Ops[1], &e.Commit.Ops[2]
	if create.Action != firehose.Create || create.Collection != "app.bsky.feed.post" || create.RecordKey != "one" ||
		create.CID != sum(t, hello) || create.Prev.Defined() {
		t.Errorf("the first operation is %+v", create)
	}
	if remove.Action != firehose.Delete || remove.CID.Defined() || remove.Prev != gone {
		t.Errorf("the second operation is %+v", remove)
	}
	if got, err := create.Record(); err != nil || !bytes.Equal(got, hello) {
		t.Errorf("its record is %x, %v", got, err)
	}
	for _, op := range []*firehose.Op{remove, lost, new(firehose.Op)} {
		if _, err := op.Value(); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("the value after %s %s: %v", op.Action, op.RecordKey, err)
		}
		if err := op.Decode(new(appbsky.FeedPost)); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("decoding after %s %s: %v", op.Action, op.RecordKey, err)
		}
	}
}

func TestDecodeRecord(t *testing.T) {
	e, err := firehose.Decode(event(t, storage.EventCommit, commitBody(t, postBytes(t, "hello"), sum(t, nil))))
	if err != nil {
		t.Fatal(err)
	}
	op := &e.Commit.Ops[0]
	value, err := op.Value()
	want := map[string]any{"$type": "app.bsky.feed.post", "text": "hello", "createdAt": "2026-01-02T12:00:00Z"}
	if diff := cmp.Diff(want, value); diff != "" || err != nil {
		t.Errorf("Value (-want +got):\n%s%v", diff, err)
	}
	var generated appbsky.FeedPost
	if err := op.Decode(&generated); err != nil || generated.Text != "hello" {
		t.Errorf("a generated type became %+v, %v", generated, err)
	}
	var own struct{ Text string }
	if err := op.Decode(&own); err != nil || own.Text != "hello" {
		t.Errorf("a type of one's own became %+v, %v", own, err)
	}
	var unfit struct{ Text int }
	if err := op.Decode(&unfit); err == nil {
		t.Error("a text was decoded into an int")
	}
}

func TestDecodeOthers(t *testing.T) {
	identity, err := firehose.IdentityEvent("did:web:a.example", "a.example", noon)
	if err != nil {
		t.Fatal(err)
	}
	nameless, err := firehose.IdentityEvent("did:web:a.example", "", noon)
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := firehose.AccountEvent("did:web:a.example", firehose.StatusDeleted, noon)
	if err != nil {
		t.Fatal(err)
	}
	active, err := firehose.AccountEvent("did:web:a.example", storage.StatusActive, noon)
	if err != nil {
		t.Fatal(err)
	}
	sync := event(t, storage.EventSync, &comatproto.SyncSubscribeRepos_Sync{Did: "did:web:a.example", Rev: rev1})
	for _, c := range []struct {
		row  storage.Event
		want firehose.Event
	}{
		{identity, firehose.Event{Identity: &firehose.Identity{Handle: "a.example"}}},
		{nameless, firehose.Event{Identity: &firehose.Identity{}}},
		{deleted, firehose.Event{Account: &firehose.Account{Status: "deleted"}}},
		{active, firehose.Event{Account: &firehose.Account{Active: true}}},
		{sync, firehose.Event{Sync: &firehose.Sync{Rev: rev1}}},
	} {
		c.want.DID, c.want.Time = "did:web:a.example", noon
		got, err := firehose.Decode(c.row)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got):\n%s%v", c.row.Kind, diff, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := func() *comatproto.SyncSubscribeRepos_Commit { return commitBody(t, []byte{0xa0}, sum(t, nil)) }
	for what, change := range map[string]func(*comatproto.SyncSubscribeRepos_Commit){
		"a path without a record key":   func(c *comatproto.SyncSubscribeRepos_Commit) { c.Ops[0].Path = "app.bsky.feed.post" },
		"a path of three parts":         func(c *comatproto.SyncSubscribeRepos_Commit) { c.Ops[0].Path += "/more" },
		"an unknown action":             func(c *comatproto.SyncSubscribeRepos_Commit) { c.Ops[0].Action = "move" },
		"a create without a CID":        func(c *comatproto.SyncSubscribeRepos_Commit) { c.Ops[0].Cid = nil },
		"a delete with a CID":           func(c *comatproto.SyncSubscribeRepos_Commit) { c.Ops[1].Cid = c.Ops[1].Prev },
		"an operation that is null":     func(c *comatproto.SyncSubscribeRepos_Commit) { c.Ops[1] = nil },
		"a rev that isn't one":          func(c *comatproto.SyncSubscribeRepos_Commit) { c.Rev = "now" },
		"a rev before that isn't one":   func(c *comatproto.SyncSubscribeRepos_Commit) { *c.Since = "" },
		"a collection that isn't an ID": func(c *comatproto.SyncSubscribeRepos_Commit) { c.Ops[0].Path = "posts/one" },
	} {
		body := good()
		change(body)
		if e, err := firehose.Decode(event(t, storage.EventCommit, body)); err == nil {
			t.Errorf("%s became %+v", what, e)
		}
	}
	row := event(t, storage.EventCommit, good())
	for what, row := range map[string]storage.Event{
		"another kind's body": {Kind: storage.EventSync, Body: []byte{0x80}},
		"a kind of no kind":   {Kind: "#info", Body: row.Body},
		"half a body":         {Kind: row.Kind, Body: row.Body[:len(row.Body)/2]},
		"more than a body":    {Kind: row.Kind, Body: append(bytes.Clone(row.Body), 0)},
		"none":                {Kind: row.Kind},
	} {
		if e, err := firehose.Decode(row); err == nil || !strings.HasPrefix(err.Error(), "firehose: decode event 0") {
			t.Errorf("%s became %+v, %v", what, e, err)
		}
	}
}

// FuzzDecode decodes anything, and every record in it.
func FuzzDecode(f *testing.F) {
	f.Add(string(storage.EventCommit), event(f, storage.EventCommit, commitBody(f, postBytes(f, "hello"), sum(f, nil))).Body)
	empty := commitBody(f, nil, sum(f, nil))
	empty.Since, empty.Ops, empty.Blocks = nil, nil, nil
	f.Add(string(storage.EventCommit), event(f, storage.EventCommit, empty).Body)
	f.Add(string(storage.EventSync), event(f, storage.EventSync, &comatproto.SyncSubscribeRepos_Sync{Rev: rev1}).Body)
	identity, _ := firehose.IdentityEvent("did:web:a.example", "a.example", noon)
	f.Add(string(identity.Kind), identity.Body)
	account, _ := firehose.AccountEvent("did:web:a.example", storage.StatusSuspended, noon)
	f.Add(string(account.Kind), account.Body)
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		e, err := firehose.Decode(storage.Event{Kind: storage.EventKind(kind), Body: body})
		if err != nil || e.Commit == nil {
			return
		}
		for i := range e.Commit.Ops {
			op := &e.Commit.Ops[i]
			if record, err := op.Record(); err != nil {
				if !errors.Is(err, storage.ErrNotFound) {
					t.Errorf("error %v isn't an ErrNotFound", err)
				}
			} else if !bytes.Contains(body, record) {
				t.Errorf("record %x isn't from the body", record)
			}
			op.Value()
			op.Decode(new(appbsky.FeedPost))
		}
	})
}

// commitBody is a commit that creates a record, deletes another, and writes a third that it doesn't bring along.
func commitBody(t testing.TB, record []byte, gone cid.Cid) *comatproto.SyncSubscribeRepos_Commit {
	since := rev1
	link := func(c cid.Cid) *lexutil.LexLink { l := lexutil.LexLink(c); return &l }
	return &comatproto.SyncSubscribeRepos_Commit{
		Rev: rev2, Since: &since, Repo: "did:web:a.example", Commit: lexutil.LexLink(gone),
		Blocks: carOf([]byte("a node"), record, []byte("another")),
		Ops: []*comatproto.SyncSubscribeRepos_RepoOp{
			{Action: "create", Path: "app.bsky.feed.post/one", Cid: link(sum(t, record))},
			{Action: "delete", Path: "app.bsky.feed.post/two", Prev: link(gone)},
			{Action: "update", Path: "app.bsky.feed.post/three", Cid: link(sum(t, []byte("lost"))), Prev: link(gone)},
		},
	}
}

func event(t testing.TB, kind storage.EventKind, body cbg.CBORMarshaler) storage.Event {
	t.Helper()
	var b bytes.Buffer
	if err := body.MarshalCBOR(&b); err != nil {
		t.Fatal(err)
	}
	return storage.Event{DID: "did:web:a.example", Kind: kind, Time: noon, Body: b.Bytes()}
}

func postBytes(t testing.TB, text string) []byte {
	t.Helper()
	b, err := atdata.MarshalCBOR(map[string]any{
		"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-01-02T12:00:00Z",
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func carOf(blocks ...[]byte) []byte {
	header := "\xa2\x65roots\x80\x67version\x01"
	car := append([]byte{byte(len(header))}, header...)
	for _, b := range blocks {
		hash, _ := multihash.Sum(b, multihash.SHA2_256, -1)
		c := cid.NewCidV1(cid.DagCBOR, hash)
		car = binary.AppendUvarint(car, uint64(c.ByteLen()+len(b)))
		car = append(append(car, c.Bytes()...), b...)
	}
	return car
}

func sum(t testing.TB, b []byte) cid.Cid {
	t.Helper()
	hash, err := multihash.Sum(b, multihash.SHA2_256, -1)
	if err != nil {
		t.Fatal(err)
	}
	return cid.NewCidV1(cid.DagCBOR, hash)
}

// BenchmarkDecode: a host that counts events pays for the first, one that reads the records for the second.
func BenchmarkDecode(b *testing.B) {
	row := event(b, storage.EventCommit, commitBody(b, postBytes(b, "hello"), sum(b, nil)))
	for _, c := range []struct {
		name  string
		value bool
	}{{"event", false}, {"record", true}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e, err := firehose.Decode(row)
				if err == nil && c.value {
					var post appbsky.FeedPost
					err = e.Commit.Ops[0].Decode(&post)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
