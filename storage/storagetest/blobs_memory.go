package storagetest

import (
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"

	"github.com/pdskit/pdskit/storage"
)

// testBlobMemory stores a blob of 64 MiB and reads it back, and counts what is allocated on the way: by an
// implementation that streams, next to nothing.
func testBlobMemory(t blobTest) {
	const size, limit = 64 << 20, 8 << 20
	put, got := sha256.New(), sha256.New()

	before := allocated()
	r := io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), size), put)
	c, n, err := t.blobs.Put(t.Context(), blobDID, r)
	if err != nil {
		t.Fatal(err)
	}
	if n != size {
		t.Errorf("Put stored %d bytes of %d", n, size)
	}
	if a := allocated() - before; a > limit {
		t.Errorf("Put of %d bytes allocated %d, want at most %d", size, a, limit)
	}

	before = allocated()
	b, err := t.blobs.Open(t.Context(), storage.BlobID{DID: blobDID, CID: c})
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(got, b)
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	if a := allocated() - before; a > limit {
		t.Errorf("reading %d bytes allocated %d, want at most %d", size, a, limit)
	}
	if want := put.Sum(nil); string(got.Sum(nil)) != string(want) {
		t.Errorf("read other bytes than were put: SHA-256 %x, want %x", got.Sum(nil), want)
	}
}

// allocated returns how many bytes the process has allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
