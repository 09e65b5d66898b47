package backup

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// deepRecord returns a record of so many levels as DAG-CBOR, and the JSON of it.
func deepRecord(levels int) (record []byte, text string) {
	return []byte(strings.Repeat("\xa1\x61a", levels-1) + "\xa0"), strings.Repeat(`{"a":`, levels-1) + `{}` + strings.Repeat(`}`, levels-1)
}

// plant writes the first record of a repo as earlier versions did, which accepted more levels.
func (u *user) plant(t *testing.T, rkey string, record []byte) {
	t.Helper()
	prev, err := u.world.store.Head(t.Context(), u.did)
	check(t, err)
	path, c := post+"/"+rkey, data.SumCID(record)
	tree, err := mst.LoadTreeFromMap(map[string]cid.Cid{path: c})
	check(t, err)
	root, err := tree.RootCID()
	check(t, err)
	encoded := tree.Root.NodeData()
	node, _, err := encoded.Bytes()
	check(t, err)
	head := u.sign(t, *root, syntax.NewTIDNow(0))

	car := data.AppendCARBlock(data.AppendCARHeader(nil, head.Commit), head.Commit, head.Block)
	car = data.AppendCARBlock(data.AppendCARBlock(car, *root, node), c, record)
	now := time.Now()
	body, err := data.CommitBody(data.CommitStep{
		DID: u.did, Commit: head.Commit, Rev: head.Rev, Since: prev.Rev, PrevData: prev.Data, Blocks: car,
		Ops: []*comatproto.SyncSubscribeRepos_RepoOp{{Action: "create", Path: path, Cid: data.OptionalLink(c)}},
	}, now)
	check(t, err)
	_, err = u.world.store.Commit(t.Context(), storage.Commit{
		Prev: prev.Commit, Head: head,
		NewNodes: []storage.Block{{CID: *root, Bytes: node}}, DropNodes: []cid.Cid{prev.Data},
		Writes: []storage.RecordWrite{{Path: path, CID: c, Bytes: record}},
		Events: []storage.Event{{DID: u.did, Kind: storage.EventCommit, Time: now, Body: body}},
	})
	check(t, err)
}

func (u *user) sign(t *testing.T, root cid.Cid, rev syntax.TID) storage.Head {
	t.Helper()
	c := repo.Commit{DID: u.did.String(), Version: repo.ATPROTO_REPO_VERSION, Data: root, Rev: rev.String()}
	unsigned, err := c.UnsignedBytes()
	check(t, err)
	c.Sig, err = u.world.ring.Sign(t.Context(), u.did, unsigned)
	check(t, err)
	var block bytes.Buffer
	check(t, c.MarshalCBOR(&block))
	return storage.Head{DID: u.did, Commit: data.SumCID(block.Bytes()), Rev: rev, Data: root, Block: block.Bytes()}
}

// TestOldDeepRecord: a record of as many levels as createRecord used to accept is shown, mirrored
// from its event and with the whole repo, checked, restored, decoded and deleted. It can't be
// imported, which would be a new write.
func TestOldDeepRecord(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	following := newDir(t)
	check(t, w.mirror(t, w.local(), following).Sync(t.Context()))
	seq, err := w.store.LastSeq(t.Context())
	check(t, err)
	record, text := deepRecord(9999)
	alice.plant(t, "deep", record)

	for e, err := range w.Events(t.Context(), seq) {
		check(t, err)
		value, err := e.Commit.Ops[0].Value()
		check(t, err)
		if len(value) != 1 {
			t.Errorf("the event's value has %d properties", len(value))
		}
		check(t, e.Commit.Ops[0].Decode(new(comatproto.RepoStrongRef)))
		break
	}
	for _, method := range []string{"com.atproto.repo.getRecord?rkey=deep&", "com.atproto.repo.listRecords?"} {
		status, answer := w.get(t, method+"collection="+post+"&repo="+alice.did.String())
		if status != http.StatusOK || !strings.Contains(answer, `"value":`+text+`}`) {
			t.Errorf("%s: %d %.200s", method, status, answer)
		}
	}
	_, err = w.Repo(alice.did).Get(t.Context(), post, "deep")
	check(t, err)

	m := w.mirror(t, w.local(), following)
	check(t, m.Sync(t.Context()))
	if m.progress.Repos != 0 {
		t.Error("the event isn't taken: the repo is fetched")
	}
	whole := newDir(t)
	check(t, w.mirror(t, w.network(), whole).Sync(t.Context()))
	for _, to := range []Bucket{following, whole} {
		if sum := intact(t, to); sum.Records != 1 {
			t.Errorf("the mirror has %+v", sum)
		}
		w.same(t, restore(t, to), to == Bucket(whole))
	}

	_, car := w.get(t, "com.atproto.sync.getRepo?did="+alice.did.String())
	err = w.do(t.Context(), alice.access, "com.atproto.repo.importRepo", "application/vnd.ipld.car", strings.NewReader(car), nil)
	if err == nil || !strings.Contains(err.Error(), "400") || !strings.Contains(err.Error(), post+"/deep: /a/a/a") ||
		!strings.Contains(err.Error(), "deeper than 32 levels") {
		t.Errorf("importRepo: %v", err)
	}
	alice.delete(t, "deep")
	check(t, w.mirror(t, w.local(), following).Sync(t.Context()))
	w.same(t, restore(t, following), false)
}

func (w *world) get(t *testing.T, query string) (status int, answer string) {
	t.Helper()
	res, err := w.http.Get(w.url + "/xrpc/" + query)
	check(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	check(t, err)
	return res.StatusCode, string(body)
}

// TestUnreadableRecord: a mirror that meets a record that no copy could be read with says so, and
// keeps what it had.
func TestUnreadableRecord(t *testing.T) {
	tooDeep, _ := deepRecord(data.MaxStoredDepth + 2)
	for name, record := range map[string][]byte{
		"too deep": tooDeep, "not an object": []byte("\x80"), "not CBOR": []byte("\xff"), "too large": make([]byte, data.MaxRecordBytes+1),
	} {
		w := newWorld(t)
		alice, bob := w.signUp(t, "alice"), w.signUp(t, "bob")
		to := newDir(t)
		check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
		alice.plant(t, "one", record)
		bob.put(t, "one", object{"text": "one"})
		m := w.mirror(t, w.local(), to)
		var log bytes.Buffer
		m.logger = textLogger(&log)
		err := m.Sync(t.Context())
		var damage *Damage
		if !errors.As(err, &damage) || damage.DID != alice.did || !strings.Contains(err.Error(), post+"/one") {
			t.Errorf("%s: Sync returns %v", name, err)
		}
		if !strings.Contains(log.String(), post+"/one") || !strings.Contains(log.String(), alice.did.String()) {
			t.Errorf("%s: the log is %q", name, &log)
		}
		if sum := intact(t, to); sum.Accounts != 2 || sum.Records != 1 {
			t.Errorf("%s: the mirror has %+v", name, sum)
		}
	}
}
