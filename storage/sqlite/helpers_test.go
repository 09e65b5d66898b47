package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pdskit/pdskit/storage"
)

// open opens a new database, and closes it when the test ends.
func open(t testing.TB, o Options) *Store {
	t.Helper()
	o.Create = true
	return openAt(t, filepath.Join(t.TempDir(), "pds.sqlite"), o)
}

func openAt(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// block makes bytes of a size and their CID, different ones for each n.
func makeBlock(n, size int) storage.Block {
	b := make([]byte, max(size, 8))
	binary.BigEndian.PutUint64(b, uint64(n))
	h, err := multihash.Sum(b, multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return storage.Block{CID: cid.NewCidV1(cid.DagCBOR, h), Bytes: b}
}

func did(n int) syntax.DID { return syntax.DID(fmt.Sprintf("did:plc:%024d", n)) }

func rev(n int) syntax.TID { return syntax.NewTIDFromInteger(uint64(n)) }

// head makes the n-th head of a repo.
func head(d syntax.DID, n int) storage.Head {
	b := makeBlock(1_000_000_000+n, 200)
	return storage.Head{DID: d, Commit: b.CID, Rev: rev(n), Data: makeBlock(n, 0).CID, Block: b.Bytes}
}

func event(d syntax.DID, size int) storage.Event {
	return storage.Event{DID: d, Kind: storage.EventCommit, Time: time.UnixMilli(1_700_000_000_000).UTC(), Body: make([]byte, size)}
}

// firstCommit makes a commit that creates a repo with records 0 to n-1.
func firstCommit(d syntax.DID, n int) storage.Commit {
	c := storage.Commit{Head: head(d, 1), Events: []storage.Event{event(d, 100)}}
	for i := range n {
		r := makeBlock(i, 100)
		c.Writes = append(c.Writes, storage.RecordWrite{Path: path(i), CID: r.CID, Bytes: r.Bytes})
	}
	return c
}

func path(i int) string { return fmt.Sprintf("app.bsky.feed.post/%013d", i) }

// putKey stores a document, for tests that want any write.
func putKey(ctx context.Context, s *Store, name string) error {
	return s.PutDocument(ctx, storage.NewDocument{Document: storage.Document{Kind: storage.KindKey, ID: name, Value: []byte("v")}})
}

// findKey returns the error of reading it.
func findKey(ctx context.Context, s *Store, name string) error {
	_, err := s.Document(ctx, storage.KindKey, name)
	return err
}

func mustCID(t testing.TB, s string) cid.Cid {
	t.Helper()
	c, err := cid.Decode(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pathsOf returns the paths of the records of a range.
func pathsOf(t testing.TB, s storage.RepoReader, d syntax.DID, r storage.RecordRange) (paths []string) {
	t.Helper()
	for r, err := range s.Records(t.Context(), d, r) {
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, r.Path)
	}
	return paths
}
