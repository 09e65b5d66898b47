package storagetest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/pdskit/pdskit/storage"
)

const blobDID syntax.DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"

// blobTest is one subtest with its empty store.
type blobTest struct {
	*testing.T
	blobs storage.Blobs
}

// put stores data for an account.
func (t blobTest) put(did syntax.DID, data []byte) {
	t.Helper()
	c, n, err := t.blobs.Put(t.Context(), did, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if c != blobCID(data) || n != int64(len(data)) {
		t.Fatalf("Put returned %s of %d bytes, want %s of %d", c, n, blobCID(data), len(data))
	}
}

// open opens the blob of these bytes, and closes it when the test ends.
func (t blobTest) open(did syntax.DID, data []byte) io.ReadSeekCloser {
	t.Helper()
	r, err := t.blobs.Open(t.Context(), storage.BlobID{DID: did, CID: blobCID(data)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func (t blobTest) wantBlob(did syntax.DID, data []byte) {
	t.Helper()
	if got, err := t.read(did, blobCID(data)); err != nil || !bytes.Equal(got, data) {
		t.Errorf("blob of %s: %d bytes, %v, want the %d that were put", did, len(got), err, len(data))
	}
}

func (t blobTest) wantNoBlob(did syntax.DID, data []byte) {
	t.Helper()
	if got, err := t.read(did, blobCID(data)); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("blob of %s: %d bytes, %v, want %v", did, len(got), err, storage.ErrNotFound)
	}
}

// read returns a whole blob.
func (t blobTest) read(did syntax.DID, c cid.Cid) ([]byte, error) {
	r, err := t.blobs.Open(t.Context(), storage.BlobID{DID: did, CID: c})
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return data, fmt.Errorf("reading: %w", err)
	}
	return data, nil
}

// blobBytes returns bytes that differ from those of every other size, also at the beginning.
func blobBytes(size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16), byte(size >> 24)}).Read(data)
	return data
}

func blobCID(data []byte) cid.Cid {
	sum := sha256.Sum256(data)
	mh, err := multihash.Encode(sum[:], multihash.SHA2_256)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, mh)
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
