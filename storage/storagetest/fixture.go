package storagetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/pdskit/pdskit/storage"
	cbg "github.com/whyrusleeping/cbor-gen"
)

// testDID returns the n-th DID. DIDs aren't in the order of their numbers.
func testDID(n int) syntax.DID {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("did"), uint64(n)))
	name := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding).EncodeToString(sum[:15])
	return syntax.DID("did:plc:" + name)
}

// testRev returns the n-th rev; revs are in the order of their numbers.
func testRev(n int) syntax.TID {
	return syntax.NewTIDFromInteger(uint64(1_700_000_000_000_000+n) << 10)
}

// at returns a time n milliseconds after some moment.
func at(n int) time.Time {
	return time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(n) * time.Millisecond)
}

// testCID returns the CID of data.
func testCID(codec uint64, data []byte) cid.Cid {
	c, err := cid.NewPrefixV1(codec, multihash.SHA2_256).Sum(data)
	if err != nil {
		panic(err) // SHA-256 is always there
	}
	return c
}

// blobOf returns the CID of a blob with such bytes.
func blobOf(data string) cid.Cid { return testCID(cid.Raw, []byte(data)) }

// testBlob returns what is known of a blob with such bytes after an upload at(when).
func testBlob(did syntax.DID, data string, when int) storage.Blob {
	return storage.Blob{DID: did, CID: blobOf(data), Size: int64(len(data)), MIMEType: "text/plain", CreatedAt: at(when)}
}

// testEvent returns an event of an account. number makes it differ from others.
func testEvent(did syntax.DID, kind storage.EventKind, number int) storage.Event {
	return storage.Event{DID: did, Kind: kind, Time: at(number), Body: list(string(did), string(kind), fmt.Sprint(number))}
}

// testDocument returns a document that is issued at(0) and expires at(expires).
func testDocument(kind, id string, owner syntax.DID, expires int) storage.Document {
	return storage.Document{
		Kind: kind, ID: id, Owner: owner, Value: []byte(kind + " " + id), IssuedAt: at(0), ExpiresAt: at(expires),
	}
}

// forever returns a document that never expires.
func forever(kind, id string, owner syntax.DID) storage.Document {
	return storage.Document{Kind: kind, ID: id, Owner: owner, Value: []byte(kind + " " + id)}
}

// fresh returns a document to be stored without conditions.
func fresh(d storage.Document) storage.NewDocument { return storage.NewDocument{Document: d} }

// list encodes an array of strings and CIDs as DAG-CBOR.
func list(items ...any) []byte {
	var b bytes.Buffer
	check := func(err error) {
		if err != nil {
			panic(err) // a buffer takes everything
		}
	}
	check(cbg.WriteMajorTypeHeader(&b, cbg.MajArray, uint64(len(items))))
	for _, item := range items {
		switch v := item.(type) {
		case string:
			check(cbg.WriteMajorTypeHeader(&b, cbg.MajTextString, uint64(len(v))))
			b.WriteString(v)
		case cid.Cid:
			check(cbg.WriteCid(&b, v))
		default:
			panic(fmt.Sprintf("storagetest: list of %T", item))
		}
	}
	return b.Bytes()
}

// put returns a write of a record with such a text, that refers to blobs.
func put(path, text string, blobs ...cid.Cid) storage.RecordWrite {
	items := []any{text}
	for _, c := range blobs {
		items = append(items, c)
	}
	data := list(items...)
	return storage.RecordWrite{Path: path, CID: testCID(cid.DagCBOR, data), Bytes: data, Blobs: blobs}
}

// about returns a write of a record with such a text, that names a subject and refers to blobs.
func about(path, text, subject string, blobs ...cid.Cid) storage.RecordWrite {
	w := put(path, text, blobs...)
	w.Subject = subject
	return w
}

// del returns a write that deletes a record.
func del(path string) storage.RecordWrite { return storage.RecordWrite{Path: path} }

// tree is a synthetic repo as a store should have it: each collection is a node that links to its records, and the root
// links to the collections. A tree never changes; a commit leads to another one.
type tree struct {
	head    storage.Head // without a DID in a tree that is no repo yet
	commits int
	nodes   map[cid.Cid]storage.Block
	records map[string]entry
}

type entry struct {
	storage.Record
	blobs   []cid.Cid
	subject string
}

// emptyTree is what the repo of a DID is before its first commit.
func emptyTree(did syntax.DID) *tree { return &tree{head: storage.Head{DID: did}} }

// commit returns a commit that makes the writes, with one event, and what the repo is after it.
func (r *tree) commit(writes ...storage.RecordWrite) (storage.Commit, *tree) {
	return r.advance(maps.Clone(r.records), writes)
}

// replace returns a commit and the rows that make the repo consist of writes alone, and what it is after that. Where
// two writes have the same bytes, the second one's row has none.
func (r *tree) replace(writes ...storage.RecordWrite) (storage.Commit, []storage.Row, *tree) {
	c, next := r.advance(nil, writes)
	var rows []storage.Row
	for i, w := range writes {
		if slices.ContainsFunc(writes[:i], func(o storage.RecordWrite) bool { return o.CID == w.CID }) {
			w.Bytes, w.Blobs, w.Subject = nil, nil, ""
		}
		rows = append(rows, storage.Row{Record: &w})
		if i == 0 { // nodes and records come in any order
			for _, b := range next.sortedNodes() {
				rows = append(rows, storage.Row{Node: &storage.Block{CID: b.CID, Bytes: b.Bytes}})
			}
		}
	}
	if len(writes) == 0 {
		for _, b := range next.sortedNodes() {
			rows = append(rows, storage.Row{Node: &b})
		}
	}
	c.NewNodes, c.DropNodes, c.Writes = nil, nil, nil
	for _, b := range next.sortedNodes() {
		b.Rev = c.Head.Rev // a node that stays is written again
		next.nodes[b.CID] = b
	}
	return c, rows, next
}

func (r *tree) advance(records map[string]entry, writes []storage.RecordWrite) (storage.Commit, *tree) {
	next := &tree{commits: r.commits + 1, records: records, nodes: make(map[cid.Cid]storage.Block)}
	if next.records == nil {
		next.records = make(map[string]entry)
	}
	rev := testRev(next.commits)
	for _, w := range writes {
		if !w.CID.Defined() {
			delete(next.records, w.Path)
			continue
		}
		next.records[w.Path] = entry{storage.Record{
			Path: w.Path, CID: w.CID, Rev: rev, Bytes: w.Bytes, TakedownRef: r.records[w.Path].TakedownRef,
		}, w.Blobs, w.Subject}
	}
	c := storage.Commit{Prev: r.head.Commit, Writes: writes}
	node := func(data []byte) cid.Cid {
		b := storage.Block{CID: testCID(cid.DagCBOR, data), Rev: rev, Bytes: data}
		if old, ok := r.nodes[b.CID]; ok {
			b = old
		} else if _, ok := next.nodes[b.CID]; !ok {
			c.NewNodes = append(c.NewNodes, storage.Block{CID: b.CID, Bytes: data})
		}
		next.nodes[b.CID] = b
		return b.CID
	}
	var root []any
	for _, collection := range next.collections() {
		items := []any{collection}
		for _, path := range slices.Sorted(maps.Keys(next.records)) {
			if strings.HasPrefix(path, collection+"/") {
				items = append(items, path, next.records[path].CID)
			}
		}
		root = append(root, collection, node(list(items...)))
	}
	data := node(list(append([]any{"root"}, root...)...))
	for _, b := range r.sortedNodes() {
		if _, stays := next.nodes[b.CID]; !stays {
			c.DropNodes = append(c.DropNodes, b.CID)
		}
	}
	block := []any{string(r.head.DID), rev.String(), data}
	if r.head.Commit.Defined() {
		block = append(block, r.head.Commit)
	}
	next.head = storage.Head{DID: r.head.DID, Rev: rev, Data: data, Block: list(block...)}
	next.head.Commit = testCID(cid.DagCBOR, next.head.Block)
	c.Head = next.head
	event := []any{next.head.Commit}
	if r.head.Commit.Defined() {
		event = append(event, r.head.Commit)
	}
	c.Events = []storage.Event{{DID: r.head.DID, Kind: storage.EventCommit, Time: at(next.commits), Body: list(event...)}}
	return c, next
}

// takeDown returns what the repo is after the takedown of one of its records, or after it's lifted.
func (r *tree) takeDown(path, ref string) *tree {
	next := *r
	next.records = maps.Clone(r.records)
	e := next.records[path]
	e.TakedownRef = ref
	next.records[path] = e
	return &next
}

// collections returns the collections that have a record, in order.
func (r *tree) collections() []string {
	var all []string
	for path := range r.records {
		collection, _, _ := strings.Cut(path, "/")
		all = append(all, collection)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (r *tree) sortedNodes() []storage.Block {
	return slices.SortedFunc(maps.Values(r.nodes), func(a, b storage.Block) int {
		return bytes.Compare(a.CID.Bytes(), b.CID.Bytes())
	})
}

// newAccount returns the n-th account as it is to be created, with three events, and what its repo is then.
func newAccount(n int, writes ...storage.RecordWrite) (storage.NewAccount, *tree) {
	did := testDID(n)
	c, r := emptyTree(did).commit(writes...)
	c.Events = append([]storage.Event{
		testEvent(did, storage.EventIdentity, n), testEvent(did, storage.EventAccount, n),
	}, c.Events...)
	return storage.NewAccount{
		Account: storage.Account{
			DID: did, Handle: syntax.Handle(fmt.Sprintf("user%d.test", n)), Email: fmt.Sprintf("user%d@example.com", n),
			PasswordHash: "hash of a password", CreatedAt: at(n),
		},
		Commit: c,
	}, r
}

// create creates the n-th account and returns its repo.
func create(t testing.TB, s storage.Store, n int, writes ...storage.RecordWrite) *tree {
	t.Helper()
	a, r := newAccount(n, writes...)
	if _, err := s.CreateAccount(t.Context(), a); err != nil {
		t.Fatalf("CreateAccount: %v", err)
	}
	return r
}

// commit commits the writes to a repo and returns what it is then.
func commit(t testing.TB, s storage.Store, r *tree, writes ...storage.RecordWrite) *tree {
	t.Helper()
	c, next := r.commit(writes...)
	if _, err := s.Commit(t.Context(), c); err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return next
}

// upload records an upload.
func upload(t testing.TB, s storage.Store, b storage.Blob) {
	t.Helper()
	ok(t, "PutBlob", s.PutBlob(t.Context(), b, nil))
}

// store stores documents without conditions.
func store(t testing.TB, s storage.Store, ds ...storage.Document) {
	t.Helper()
	for _, d := range ds {
		ok(t, "PutDocument", s.PutDocument(t.Context(), fresh(d)))
	}
}
