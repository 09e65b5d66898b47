package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/ipfs/go-cid"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// file returns a CAR file of blocks, the first of which is its root.
func file(blocks ...string) []byte {
	car := AppendCARHeader(nil, SumCID([]byte(blocks[0])))
	for _, b := range blocks {
		car = AppendCARBlock(car, SumCID([]byte(b)), []byte(b))
	}
	return car
}

func TestCAR(t *testing.T) {
	blocks := []string{"\xa0", strings.Repeat("x", 100_000), ""}
	car := file(blocks...)
	r, err := NewCARReader(iotest.OneByteReader(bytes.NewReader(car)))
	if err != nil || r.Root() != SumCID([]byte("\xa0")) {
		t.Fatalf("NewCARReader: %v", err)
	}
	for _, want := range blocks {
		c, got, err := r.Next()
		if err != nil || string(got) != want || c != SumCID(got) || !IsBlockCID(c) {
			t.Errorf("Next: %s, %.10q, %v", c, got, err)
		}
	}
	if _, _, err := r.Next(); err != io.EOF {
		t.Errorf("Next at the end: %v", err)
	}
	i := 0
	for c, got := range CARBlocks(car) {
		if string(got) != blocks[i] || c != SumCID(got) {
			t.Errorf("CARBlocks: %s, %.10q", c, got)
		}
		i++
	}
	if i != len(blocks) {
		t.Errorf("CARBlocks yields %d blocks", i)
	}
	var written bytes.Buffer
	written.Write(AppendCARHeader(nil, SumCID([]byte("\xa0"))))
	for _, b := range blocks {
		if err := WriteCARBlock(&written, SumCID([]byte(b)), []byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(written.Bytes(), car) {
		t.Error("WriteCARBlock and AppendCARBlock differ")
	}
	rest := bufio.NewReader(bytes.NewReader(car))
	if err := SkipCARHeader(rest); err != nil {
		t.Fatal(err)
	}
	if left, _ := io.ReadAll(rest); !bytes.Equal(left, car[len(AppendCARHeader(nil, r.Root())):]) {
		t.Errorf("SkipCARHeader leaves %d bytes", len(left))
	}
}

func TestCARRefuses(t *testing.T) {
	good := file("\xa0", "\xa0")
	raw := cid.NewCidV1(cid.Raw, SumCID([]byte("\xa0")).Hash())
	for name, car := range map[string][]byte{
		"nothing":         nil,
		"cut off":         good[:len(good)-1],
		"a wrong CID":     append(good[:len(good)-1:len(good)-1], 1),
		"a CID of bytes":  AppendCARBlock(AppendCARHeader(nil, raw), raw, []byte("\xa0")),
		"no root":         AppendCARHeader(nil, cid.Undef),
		"an empty block":  append(bytes.Clone(good), 0),
		"a large header":  []byte("\xff\xff\x7f"),
		"a large block":   append(bytes.Clone(good), 0xff, 0xff, 0xff, 0x7f),
		"no version":      []byte("\x01\xa0"),
		"a deep header":   append([]byte("\x80\x20"), bytes.Repeat([]byte{0x81}, 4096)...),
		"CBOR of no CAR":  []byte("\x01\x01"),
		"half a header":   good[:20],
		"version 2":       bytes.Replace(good, []byte("version\x01"), []byte("version\x02"), 1),
		"another version": bytes.Replace(good, []byte("version\x01"), []byte("version\xf6"), 1),
	} {
		if err := readAll(car); !errors.Is(err, ErrInvalidCAR) {
			t.Errorf("%s: %v", name, err)
		}
	}
	failing := io.MultiReader(bytes.NewReader(good), iotest.ErrReader(io.ErrClosedPipe))
	r, err := NewCARReader(failing)
	for err == nil {
		_, _, err = r.Next()
	}
	if !errors.Is(err, io.ErrClosedPipe) || errors.Is(err, ErrInvalidCAR) {
		t.Errorf("a reader that fails: %v", err)
	}
	if err := SkipCARHeader(bufio.NewReader(bytes.NewReader(good[:20]))); !errors.Is(err, ErrInvalidCAR) {
		t.Errorf("SkipCARHeader of half a header: %v", err)
	}
}

func readAll(car []byte) error {
	r, err := NewCARReader(bytes.NewReader(car))
	for err == nil {
		_, _, err = r.Next()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// FuzzCAR: both readers find the same blocks in a file that is right, and do no harm with one that
// isn't.
func FuzzCAR(f *testing.F) {
	f.Add(file("\xa0", "\xa1\x61a\x01"))
	f.Add([]byte("\x0a\xa1gversion\x01"))
	f.Fuzz(func(t *testing.T, car []byte) {
		var quick [][]byte
		for _, b := range CARBlocks(car) {
			quick = append(quick, b)
		}
		r, err := NewCARReader(bytes.NewReader(car))
		var careful [][]byte
		for err == nil {
			var b []byte
			if _, b, err = r.Next(); err == nil {
				careful = append(careful, b)
			}
		}
		if err != io.EOF {
			if !errors.Is(err, ErrInvalidCAR) {
				t.Errorf("error %v isn't an ErrInvalidCAR", err)
			}
			return
		}
		if fmt.Sprintf("%x", quick) != fmt.Sprintf("%x", careful) {
			t.Errorf("CARBlocks yields %x, and Next %x", quick, careful)
		}
	})
}

// tree returns the nodes of a tree of some paths, all with the same value, and its root.
func tree(t testing.TB, value cid.Cid, paths ...string) (cid.Cid, map[cid.Cid][]byte) {
	t.Helper()
	records := map[string]cid.Cid{}
	for _, p := range paths {
		records[p] = value
	}
	full, err := mst.LoadTreeFromMap(records)
	if err != nil {
		t.Fatal(err)
	}
	root, err := full.RootCID()
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[cid.Cid][]byte{}
	var add func(n *mst.Node)
	add = func(n *mst.Node) {
		d := n.NodeData()
		b, c, err := d.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		blocks[*c] = b
		for _, e := range n.Entries {
			if e.Child != nil {
				add(e.Child)
			}
		}
	}
	add(full.Root)
	return *root, blocks
}

func TestLookup(t *testing.T) {
	value := SumCID([]byte("\xa0"))
	var paths []string
	for i := range 500 {
		paths = append(paths, fmt.Sprintf("com.example.record/%03d", i))
	}
	root, blocks := tree(t, value, paths...)
	errMissing := errors.New("missing")
	load := func(c cid.Cid) ([]byte, error) {
		if b, ok := blocks[c]; ok {
			return b, nil
		}
		return nil, errMissing
	}
	for _, p := range paths {
		if got, err := Lookup(root, p, load); err != nil || got != value {
			t.Errorf("%s: %s, %v", p, got, err)
		}
		if got, err := Lookup(root, p+"x", load); err != nil || got.Defined() {
			t.Errorf("%sx: %s, %v", p, got, err)
		}
	}
	for _, p := range []string{"", "a", "com.example.record/", "z"} {
		if got, err := Lookup(root, p, load); err != nil || got.Defined() {
			t.Errorf("%q: %s, %v", p, got, err)
		}
	}
	if _, err := Lookup(value, "a", load); !errors.Is(err, errMissing) {
		t.Errorf("without the root: %v", err)
	}
	self := mst.NodeData{Left: &root}
	loop, _, err := self.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lookup(root, "a", func(cid.Cid) ([]byte, error) { return loop, nil }); !errors.Is(err, errHeight) {
		t.Errorf("a tree without an end: %v", err)
	}
}

// FuzzLookup: in a node that indigo can decode, a path is found just where indigo's entries have
// it.
func FuzzLookup(f *testing.F) {
	root, blocks := tree(f, SumCID([]byte("\xa0")), "com.example.record/a", "com.example.record/ab", "com.example.record/b")
	f.Add(blocks[root], "com.example.record/ab")
	f.Fuzz(func(t *testing.T, block []byte, path string) {
		value, child, err := findInNode(block, path)
		Lookup(root, path, func(cid.Cid) ([]byte, error) { return block, nil })
		if WellFormed(block) != nil {
			if err == nil {
				t.Error("what isn't well-formed is a node")
			}
			return
		}
		n, decodeErr := mst.NodeDataFromCBOR(bytes.NewReader(block))
		if decodeErr != nil || err != nil {
			return
		}
		var again bytes.Buffer
		if n.MarshalCBOR(&again) != nil || !bytes.Equal(again.Bytes(), block) {
			return // properties that come twice, for instance
		}
		wantValue, wantChild, ok := findByIndigo(n, path)
		if ok && (value != wantValue || child != wantChild) {
			t.Errorf("%q: %s and %s, by indigo %s and %s", path, value, child, wantValue, wantChild)
		}
	})
}

func findByIndigo(n *mst.NodeData, path string) (value, child cid.Cid, ok bool) {
	of := func(c *cid.Cid) cid.Cid {
		if c == nil {
			return cid.Undef
		}
		return *c
	}
	var key []byte
	child = of(n.Left)
	for _, e := range n.Entries {
		if e.PrefixLen < 0 || e.PrefixLen > int64(len(key)) {
			return cid.Undef, cid.Undef, false
		}
		key = append(key[:e.PrefixLen], e.KeySuffix...)
		switch {
		case string(key) == path:
			return e.Value, cid.Undef, true
		case string(key) > path:
			return cid.Undef, child, true
		}
		child = of(e.Right)
	}
	return cid.Undef, child, true
}

func TestBodies(t *testing.T) {
	at := noon.Add(123_456_789).In(time.FixedZone("", 3600))
	c := SumCID([]byte("\xa0"))
	first, err1 := CommitBody(CommitStep{DID: "did:web:a.example", Commit: c, Rev: "3kaaaaaaaaa2a"}, at)
	next, err2 := CommitBody(CommitStep{
		DID: "did:web:a.example", Commit: c, Rev: "3kaaaaaaaaa2b", Since: "3kaaaaaaaaa2a", PrevData: c,
	}, at)
	identity, err3 := IdentityBody("did:web:a.example", "", at)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	var m comatproto.SyncSubscribeRepos_Commit
	if err := Unmarshal(first, &m); err != nil || m.Since != nil || m.PrevData != nil || m.Time != "2026-01-02T12:00:00.123Z" {
		t.Errorf("the first commit is %+v, %v", m, err)
	}
	if err := Unmarshal(next, &m); err != nil || *m.Since != "3kaaaaaaaaa2a" || cid.Cid(*m.PrevData) != c {
		t.Errorf("the next commit is %+v, %v", m, err)
	}
	var i comatproto.SyncSubscribeRepos_Identity
	if err := Unmarshal(identity, &i); err != nil || i.Handle != nil || i.Did != "did:web:a.example" {
		t.Errorf("the identity is %+v, %v", i, err)
	}
	for status, active := range map[string]bool{"": true, "deleted": false} {
		b, err := AccountBody("did:web:a.example", status, at)
		var a comatproto.SyncSubscribeRepos_Account
		if err := errors.Join(err, Unmarshal(b, &a)); err != nil || a.Active != active || (a.Status == nil) != active {
			t.Errorf("the account is %+v, %v", a, err)
		}
	}
}
