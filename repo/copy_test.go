package repo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// TestCopyOfIncrements reads a repo's newest state from an old export and the commits since then, newest first, and gets
// byte by byte what an export of the newest state is.
func TestCopyOfIncrements(t *testing.T) {
	r := newRand(t)
	e, store := newRepo(t)
	g := generate(t, alice, 300)
	check(t, importCAR(t, e, g.car(t)))
	var base, want bytes.Buffer
	check(t, e.Export(t.Context(), alice, "", &base))
	files := [][]storage.Block{blocksOf(t, base.Bytes())}
	for i := range 60 {
		op := Op{Action: Put, Path: fmt.Sprintf("com.example.record/%03d", r.IntN(40)), Value: record(t, fmt.Sprint("new", i))}
		if i%3 == 2 {
			op = Op{Action: Delete, Path: generatedPath(i, 300)}
		}
		res := apply(t, e, op)
		if !res.Changed {
			continue
		}
		files = append(files, blocksOf(t, decodeCommitEvent(t, eventBySeq(t, store, res.Seq)).Blocks))
	}
	check(t, e.Export(t.Context(), alice, "", &want))
	slices.Reverse(files)
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	c, err := OpenCopy(t.Context(), alice, bytes.NewReader(carFrom(head.Commit, slices.Concat(files...))), t.TempDir())
	check(t, err)
	defer c.Close()
	if c.Head.Commit != head.Commit || c.Head.Rev != head.Rev || c.Head.Data != head.Data ||
		!bytes.Equal(c.Head.Block, head.Block) {
		t.Errorf("the head is %+v, want %+v", c.Head, head)
	}
	var got bytes.Buffer
	rows := storage.RepoStats{}
	check(t, c.WriteTo(&got, func(row storage.Row) error {
		if row.Node != nil {
			rows.Nodes++
		} else {
			rows.Records++
		}
		return nil
	}))
	stats, err := store.Stats(t.Context(), alice)
	check(t, err)
	if rows != stats || !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%+v in %d bytes, want %+v in %d", rows, got.Len(), stats, want.Len())
	}
}

// TestCopyIntoStore puts a copy into a store that has nothing but the head: the repo is the same there, commit and all.
func TestCopyIntoStore(t *testing.T) {
	g := generate(t, alice, 500)
	c, err := OpenCopy(t.Context(), alice, bytes.NewReader(g.car(t)), "")
	check(t, err)
	defer c.Close()
	store := memory.New()
	_, err = store.CreateAccount(t.Context(), storage.NewAccount{
		Account: storage.Account{DID: alice}, Commit: storage.Commit{Head: c.Head},
	})
	check(t, err)
	event, err := SyncEvent(time.Unix(1, 0), c.Head)
	check(t, err)
	_, err = store.Replace(t.Context(), storage.Commit{
		Prev: c.Head.Commit, Head: c.Head, Events: []storage.Event{event},
	}, c.Rows())
	check(t, err)
	e := newEngine(t, store)
	check(t, e.Verify(t.Context(), alice, signer().public(t)))
	if head, err := store.Head(t.Context(), alice); err != nil || head.Commit != g.heads.Commit {
		t.Errorf("head %s, %v; want %s", head.Commit, err, g.heads.Commit)
	}
	var sync comatproto.SyncSubscribeRepos_Sync
	check(t, sync.UnmarshalCBOR(bytes.NewReader(event.Body)))
	if sync.Rev != string(c.Head.Rev) || blocksOf(t, sync.Blocks)[0].CID != c.Head.Commit {
		t.Errorf("the event says rev %s", sync.Rev)
	}
	apply(t, e, Op{Action: Create, Path: "com.example.record/next", Value: record(t, "goes on")})
}

func TestCopyRefused(t *testing.T) {
	car := generate(t, alice, 50).car(t)
	flipped := bytes.Clone(car)
	flipped[len(flipped)/2] ^= 1
	blocks := blocksOf(t, car)
	for name, c := range map[string]struct {
		did  syntax.DID
		car  []byte
		kind error
	}{
		"another repo":    {bob, car, ErrInvalidCAR},
		"a bit flipped":   {alice, flipped, ErrInvalidCAR},
		"cut off":         {alice, car[:len(car)-9], ErrInvalidCAR},
		"without blocks":  {alice, carFrom(blocks[0].CID, nil), ErrMissingBlock},
		"the commit only": {alice, carFrom(blocks[0].CID, blocks[:1]), ErrMissingBlock},
		"empty":           {alice, nil, ErrInvalidCAR},
	} {
		copied, err := OpenCopy(t.Context(), c.did, bytes.NewReader(c.car), t.TempDir())
		if err == nil {
			err = copied.WriteTo(io.Discard, nil)
			copied.Close()
		}
		if !errors.Is(err, c.kind) {
			t.Errorf("%s: %v, want %v", name, err, c.kind)
		}
	}
	if _, err := SyncEvent(time.Time{}, storage.Head{}); err == nil {
		t.Error("a #sync event of nothing")
	}
}
