package repo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// TestImportAnyOrder imports one repo with its blocks in several orders, from memory and from the disk.
func TestImportAnyOrder(t *testing.T) {
	r := newRand(t)
	g := generate(t, alice, 2000)
	blocks := blocksOf(t, g.car(t))
	shuffled := slices.Clone(blocks)
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	reversed := slices.Clone(blocks)
	slices.Reverse(reversed)
	extra := slices.Concat(blocks[:10], []storage.Block{{CID: data.SumCID(record(t, "x")), Bytes: record(t, "x")}}, blocks, blocks[5:8])
	for name, order := range map[string][]storage.Block{
		"pre-order": blocks, "shuffled": shuffled, "reversed": reversed, "with others, and some twice": extra,
	} {
		for _, hold := range []int64{0, 100_000, 32 << 20} {
			e, store := newRepo(t)
			e.hold = hold
			if err := importCAR(t, e, carFrom(g.heads.Commit, order)); err != nil {
				t.Errorf("%s, hold %d: %v", name, hold, err)
				continue
			}
			check(t, e.Verify(t.Context(), alice, signer().public(t)))
			if head, err := store.Head(t.Context(), alice); err != nil || head.Data != g.heads.Data {
				t.Errorf("%s, hold %d: data %s, %v; want %s", name, hold, head.Data, err, g.heads.Data)
			}
			left, err := os.ReadDir(e.spillDir)
			check(t, err)
			if len(left) > 0 {
				t.Errorf("%s, hold %d: %v is left", name, hold, left)
			}
		}
	}
}

// TestPreOrderIsNotHeld shows that an export streams through an import.
func TestPreOrderIsNotHeld(t *testing.T) {
	g := generate(t, alice, 2000)
	e, _ := newRepo(t)
	e.hold, e.spillDir = 0, "/nonexistent"
	check(t, importCAR(t, e, g.car(t)))
}

// TestImportSameRecord imports a record that stands at several paths, from files that have it each time, and once.
func TestImportSameRecord(t *testing.T) {
	src, _ := newRepo(t)
	blob := data.SumCID([]byte("a blob"))
	value, err := atdata.MarshalCBOR(map[string]any{"$type": "com.example.record", "image": atdata.Blob{
		Ref: atdata.CIDLink(blob), MimeType: "image/png", Size: 6,
	}})
	check(t, err)
	for i := range 50 {
		v := record(t, fmt.Sprint(i))
		if i%10 == 3 {
			v = value
		}
		apply(t, src, Op{Action: Create, Path: fmt.Sprintf("com.example.record/%02d", i), Value: v})
	}
	each := export(t, src, alice, "")
	var once []storage.Block
	seen := make(map[cid.Cid]bool)
	for _, b := range blocksOf(t, each) {
		if !seen[b.CID] {
			once = append(once, b)
		}
		seen[b.CID] = true
	}
	last := append(slices.DeleteFunc(slices.Clone(once), func(b storage.Block) bool { return b.CID == data.SumCID(value) }),
		storage.Block{CID: data.SumCID(value), Bytes: value})
	want := readCARFile(t, each)
	for name, car := range map[string][]byte{
		"each": each, "once": carFrom(once[0].CID, once), "once, at the end": carFrom(once[0].CID, last),
	} {
		e, store := newRepo(t)
		if err := importCAR(t, e, car); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		check(t, e.Verify(t.Context(), alice, nil))
		sameRecords(t, want.records, readCARFile(t, export(t, e, alice, "")).records)
		for ref, err := range store.ListBlobs(t.Context(), alice, storage.BlobRange{Missing: true, Limit: 10}) {
			check(t, err)
			if ref.CID != blob {
				t.Errorf("%s: missing blob %s, want %s", name, ref.CID, blob)
			}
		}
		apply(t, e, Op{Action: Delete, Path: "com.example.record/03"})
		check(t, e.Verify(t.Context(), alice, nil))
	}
}

// TestImportEvent shows that relays hear of an import, and can check it.
func TestImportEvent(t *testing.T) {
	e, store := newRepo(t)
	res, err := e.Import(t.Context(), alice, bytes.NewReader(generate(t, alice, 10).car(t)), ImportOptions{})
	check(t, err)
	ev := eventBySeq(t, store, res.Seq)
	if ev.Kind != storage.EventSync {
		t.Fatalf("event %s, want #sync", ev.Kind)
	}
	var msg comatproto.SyncSubscribeRepos_Sync
	check(t, msg.UnmarshalCBOR(bytes.NewReader(ev.Body)))
	c, root, err := repo.LoadCommitFromCAR(t.Context(), bytes.NewReader(msg.Blocks))
	check(t, err)
	check(t, c.VerifySignature(signer().public(t)))
	if *root != res.Commit || msg.Rev != string(res.Rev) || c.Rev != msg.Rev || msg.Did != string(alice) {
		t.Errorf("event %+v with commit %s doesn't match %+v", msg, root, res)
	}
}

// TestImportSilent shows that an import of which nobody is to hear changes the repo and nothing else.
func TestImportSilent(t *testing.T) {
	e, store := newRepo(t)
	before, err := store.LastSeq(t.Context())
	check(t, err)
	res, err := e.Import(t.Context(), alice, bytes.NewReader(generate(t, alice, 10).car(t)), ImportOptions{Silent: true})
	check(t, err)
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	after, err := store.LastSeq(t.Context())
	check(t, err)
	if after != before || res.Seq != 0 || !res.Changed || head.Commit != res.Commit {
		t.Errorf("event %d after %d; %+v; the head is %s", after, before, res, head.Commit)
	}
	check(t, e.Verify(t.Context(), alice, nil))
}

// TestImportTruncated cuts a file off at every byte.
func TestImportTruncated(t *testing.T) {
	g := generate(t, alice, 20)
	car := g.car(t)
	e, store := newRepo(t)
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	for n := range len(car) {
		if err := importCAR(t, e, car[:n]); !errors.Is(err, ErrInvalidCAR) {
			t.Fatalf("cut off after %d of %d bytes: error %v, want ErrInvalidCAR", n, len(car), err)
		}
	}
	failing := io.MultiReader(bytes.NewReader(car), iotest.ErrReader(io.ErrClosedPipe))
	if _, err := e.Import(t.Context(), alice, failing, ImportOptions{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("reader that fails at the end: error %v, want its own", err)
	}
	if now, err := store.Head(t.Context(), alice); err != nil || now.Commit != head.Commit {
		t.Errorf("the head has moved to %s, %v", now.Commit, err)
	}
	check(t, e.Verify(t.Context(), alice, nil))
}

// forge signs a repo with the given root and further blocks.
func forge(t testing.TB, root []byte, blocks ...[]byte) []byte {
	t.Helper()
	e := &Engine{signer: signer()}
	head, err := e.sign(t.Context(), alice, "3kaaaaaaaaa22", data.SumCID(root))
	check(t, err)
	all := []storage.Block{{CID: head.Commit, Bytes: head.Block}, {CID: data.SumCID(root), Bytes: root}}
	for _, b := range blocks {
		all = append(all, storage.Block{CID: data.SumCID(b), Bytes: b})
	}
	return carFrom(head.Commit, all)
}

// node encodes a node without any care.
func node(t testing.TB, d mst.NodeData) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, d.MarshalCBOR(&b))
	return b.Bytes()
}

// keyOfHeight returns a path under a prefix.
func keyOfHeight(h int, prefix string) []byte {
	for i := 0; ; i++ {
		if k := []byte(fmt.Sprintf("com.example.record/%s%d", prefix, i)); mst.HeightForKey(k) == h {
			return k
		}
	}
}

func TestImportRefusesTrees(t *testing.T) {
	rec := record(t, "one")
	v := data.SumCID(rec)
	entry := func(key []byte) mst.EntryData { return mst.EntryData{KeySuffix: key, Value: v} }
	a0, b0, c0, d1 := keyOfHeight(0, "a"), keyOfHeight(0, "b"), keyOfHeight(0, "c"), keyOfHeight(1, "b5")
	tail := func(prev, key []byte) mst.EntryData {
		n := mst.CountPrefixLen(prev, key)
		return mst.EntryData{PrefixLen: int64(n), KeySuffix: key[n:], Value: v}
	}
	of := func(e ...mst.EntryData) []byte { return node(t, mst.NodeData{Entries: e}) }
	over := func(child []byte, key []byte) []byte {
		c := data.SumCID(child)
		return node(t, mst.NodeData{Left: &c, Entries: []mst.EntryData{entry(key)}})
	}
	empty := of()
	raw := cid.NewCidV1(cid.Raw, v.Hash())
	deep := func(levels int) []byte { return []byte(strings.Repeat("\xa1\x61a", levels-1) + "\xa0") }
	of1 := func(record []byte) []byte { // a repo of one record
		return forge(t, of(mst.EntryData{KeySuffix: a0, Value: data.SumCID(record)}), record)
	}
	tests := map[string]struct {
		car  []byte
		want error
	}{
		"fine":               {forge(t, of(entry(a0), tail(a0, b0)), rec), nil},
		"fine, two levels":   {forge(t, over(of(entry(a0), tail(a0, b0)), d1), of(entry(a0), tail(a0, b0)), rec), nil},
		"empty":              {forge(t, empty), nil},
		"no root node":       {forge(t, empty)[:len(forge(t, empty))-len(empty)-37], ErrMissingBlock},
		"no child":           {forge(t, over(of(entry(a0)), d1), rec), ErrMissingBlock},
		"no record":          {forge(t, of(entry(a0))), ErrMissingBlock},
		"not in order":       {forge(t, of(entry(b0), tail(b0, a0)), rec), ErrInvalidCAR},
		"same key":           {forge(t, of(entry(b0), tail(b0, b0)), rec), ErrInvalidCAR},
		"child out of order": {forge(t, over(of(entry(c0)), d1), of(entry(c0)), rec), ErrInvalidCAR},
		"not compressed":     {forge(t, of(entry(a0), entry(b0)), rec), ErrInvalidCAR},
		"prefix too long":    {forge(t, of(mst.EntryData{PrefixLen: 9, KeySuffix: a0, Value: v}), rec), ErrInvalidCAR},
		"negative prefix":    {forge(t, of(mst.EntryData{PrefixLen: -9, KeySuffix: a0, Value: v}), rec), ErrInvalidCAR},
		"wrong height":       {forge(t, of(entry(a0), tail(a0, d1)), rec), ErrInvalidCAR},
		"child of wrong height": {forge(t, over(over(of(entry(a0)), b0), d1), over(of(entry(a0)), b0), of(entry(a0)), rec),
			ErrInvalidCAR},
		"child at the bottom": {forge(t, over(empty, a0), empty, rec), ErrInvalidCAR},
		"empty child":         {forge(t, over(empty, d1), empty, rec), ErrInvalidCAR},
		"root without key": {forge(t, node(t, mst.NodeData{Left: ptr(data.SumCID(of(entry(a0))))}), of(entry(a0)), rec),
			ErrInvalidCAR},
		"invalid path":             {forge(t, of(entry([]byte("com.example/a/b"))), rec), ErrInvalidCAR},
		"empty key":                {forge(t, of(entry(nil)), rec), ErrInvalidCAR},
		"raw record":               {forge(t, of(mst.EntryData{KeySuffix: a0, Value: raw}), rec), ErrInvalidCAR},
		"long form":                {forge(t, append([]byte{0xb8, 2}, of(entry(a0))[1:]...), rec), ErrInvalidCAR},
		"bytes after a node":       {forge(t, append(of(entry(a0)), 0xf6), rec), ErrInvalidCAR},
		"root is a record":         {forge(t, rec), ErrInvalidCAR},
		"record is a string":       {of1([]byte("\x61a")), ErrInvalidCAR},
		"record is too deep":       {of1([]byte(strings.Repeat("\x81", 200_000) + "\x00")), ErrInvalidCAR},
		"record of 31 levels":      {of1(deep(31)), nil},
		"record of 32 levels":      {of1(deep(32)), nil},
		"record of 33 levels":      {of1(deep(33)), ErrInvalidCAR},
		"record with a float":      {of1([]byte("\xa1\x61a\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00")), ErrInvalidCAR},
		"record out of order":      {of1([]byte("\xa2\x61b\x01\x61a\x01")), ErrInvalidCAR},
		"record with a name twice": {of1([]byte("\xa2\x61a\x01\x61a\x01")), ErrInvalidCAR},
	}
	for name, test := range tests {
		e, store := newRepo(t)
		before, err := store.Head(t.Context(), alice)
		check(t, err)
		err = importCAR(t, e, test.car)
		if !errors.Is(err, test.want) || err != nil && !errors.Is(err, ErrInvalidCAR) {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
		after, err2 := store.Head(t.Context(), alice)
		check(t, err2)
		if (before.Commit == after.Commit) != (err != nil) {
			t.Errorf("%s: the head moved from %s to %s, with error %v", name, before.Commit, after.Commit, err)
		}
		if err := e.Verify(t.Context(), alice, nil); err != nil {
			t.Errorf("%s: then %v", name, err)
		}
	}
}

func TestImportRefusesFiles(t *testing.T) {
	g := generate(t, alice, 3)
	car := g.car(t)
	blocks := blocksOf(t, car)
	header := data.AppendCARHeader(nil, g.heads.Commit)
	commit := func(change func(*repo.Commit)) []byte {
		c, err := readCommit(g.heads.Block)
		check(t, err)
		change(c)
		var b bytes.Buffer
		check(t, c.MarshalCBOR(&b))
		changed := storage.Block{CID: data.SumCID(b.Bytes()), Bytes: b.Bytes()}
		return carFrom(changed.CID, append([]storage.Block{changed}, blocks[1:]...))
	}
	resigned := func(change func(*repo.Commit)) []byte {
		return commit(func(c *repo.Commit) {
			change(c)
			check(t, c.Sign(signer().key))
		})
	}
	noData := bytes.Replace(g.heads.Block, []byte("\x64data"), []byte("\x64atad"), 1)
	flipped := slices.Clone(car)
	flipped[len(flipped)-1] ^= 1
	other, err := atcrypto.GeneratePrivateKeyP256()
	check(t, err)
	tests := map[string]struct {
		car  []byte
		want error
	}{
		"nothing":             {nil, ErrInvalidCAR},
		"no CAR":              {[]byte("<!DOCTYPE html>"), ErrInvalidCAR},
		"header only":         {header, ErrMissingBlock},
		"no root":             {carFrom(cid.Undef, blocks), ErrInvalidCAR},
		"version 2":           {bytes.Replace(car, []byte("version\x01"), []byte("version\x02"), 1), ErrInvalidCAR},
		"endless varint":      {bytes.Repeat([]byte{0xff}, 100), ErrInvalidCAR},
		"huge header":         {[]byte("\xff\xff\xff\xff\x0f"), ErrInvalidCAR},
		"huge block":          {append(slices.Clone(header), "\xff\xff\xff\xff\x0f"...), ErrInvalidCAR},
		"empty section":       {append(slices.Clone(car), 0), ErrInvalidCAR},
		"changed byte":        {flipped, ErrInvalidCAR},
		"CID of another kind": {append(slices.Clone(car), "\x26\x01\x55\x12\x20abcdefghijklmnopqrstuvwxyzabcdefgh"...), ErrInvalidCAR},
		"other account":       {resigned(func(c *repo.Commit) { c.DID = string(bob) }), ErrInvalidCAR},
		"no DID":              {resigned(func(c *repo.Commit) { c.DID = "" }), ErrInvalidCAR},
		"no rev":              {resigned(func(c *repo.Commit) { c.Rev = "" }), ErrInvalidCAR},
		"last rev":            {resigned(func(c *repo.Commit) { c.Rev = "jzzzzzzzzzzzz" }), ErrInvalidCAR},
		"no data":             {carFrom(data.SumCID(noData), []storage.Block{{CID: data.SumCID(noData), Bytes: noData}}), ErrInvalidCAR},
		"repo version 2":      {resigned(func(c *repo.Commit) { c.Version = 2 }), ErrRepoVersion},
		"no signature":        {commit(func(c *repo.Commit) { c.Sig = nil }), ErrInvalidCAR},
		"wrong signature":     {commit(func(c *repo.Commit) { check(t, c.Sign(other)) }), ErrInvalidCAR},
		"fine":                {resigned(func(*repo.Commit) {}), nil},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		e, _ := newRepo(t)
		if err := importCAR(t, e, tests[name].car); !errors.Is(err, tests[name].want) {
			t.Errorf("%s: error %v, want %v", name, err, tests[name].want)
		}
	}
	e, _ := newRepo(t)
	if _, err := e.Import(t.Context(), alice, bytes.NewReader(tests["wrong signature"].car), ImportOptions{}); err != nil {
		t.Errorf("without a key to check: %v", err)
	}
	_, err = e.Import(t.Context(), bob, bytes.NewReader(tests["other account"].car), ImportOptions{})
	if !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("into no repo: error %v, want storage.ErrNotFound", err)
	}
}
