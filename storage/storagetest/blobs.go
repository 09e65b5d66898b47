package storagetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/pdskit/pdskit/storage"
)

// BlobsOption says which part of the contract of [storage.Blobs] can't hold for an implementation by its nature.
type BlobsOption string

// BlobsInMemory is for an implementation that keeps the bytes in the process's memory on purpose. It is not asked to
// store large blobs in little memory.
const BlobsInMemory BlobsOption = "in memory"

// RunBlobs proves an implementation of [storage.Blobs]: each sentence of the contract is a subtest. open returns an
// empty one, which may be used by one subtest, and has cleaned up after itself when t ends.
func RunBlobs(t *testing.T, open func(t *testing.T) storage.Blobs, options ...BlobsOption) {
	for _, test := range blobTests {
		t.Run(test.sentence, func(t *testing.T) { test.run(blobTest{t, open(t)}) })
	}
	if !slices.Contains(options, BlobsInMemory) {
		t.Run("memory doesn't grow with the size", func(t *testing.T) { testBlobMemory(blobTest{t, open(t)}) })
	}
}

var blobTests = []struct {
	sentence string
	run      func(blobTest)
}{
	{"Put stores the bytes under their CID and returns it with their number", testBlobPut},
	{"Put reads r to its end, in whatever pieces it comes", testBlobPieces},
	{"Put of a blob that is there already is no error", testBlobPutAgain},
	{"Put returns an error of r and stores nothing", testBlobReaderError},
	{"Put whose context has ended stores nothing or all", testBlobPutCancelled},
	{"readers see nothing of a blob before it is whole", testBlobNotBeforeWhole},
	{"readers see all of a blob while it is put and deleted", testBlobRace},
	{"of racing Put calls all succeed", testBlobPutRace},
	{"Put stores the first blob of an account whose last one is just being deleted", testBlobChurn},
	{"Open returns what was put, from any offset", testBlobRead},
	{"Open of what isn't there is ErrNotFound", testBlobNotFound},
	{"Open gives every caller a position of its own", testBlobPositions},
	{"Delete removes a blob, and is idempotent", testBlobDelete},
	{"Delete gives no wrong bytes to who has the blob open", testBlobDeleteWhileOpen},
	{"two accounts never share bytes", testBlobAccounts},
}

func testBlobPut(t blobTest) {
	for _, size := range []int{0, 1, 1000, 1 << 20} {
		data := blobBytes(size)
		c, n, err := t.blobs.Put(t.Context(), blobDID, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if want := blobCID(data); c != want {
			t.Errorf("%d bytes: CID %s, want %s", size, c, want)
		}
		if n != int64(size) {
			t.Errorf("%d bytes: number %d", size, n)
		}
		t.wantBlob(blobDID, data)
	}
	// An independent answer, so that the suite and an implementation can't be wrong together.
	c, _, err := t.blobs.Put(t.Context(), blobDID, strings.NewReader("hello world"))
	if want := "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"; err != nil || c.String() != want {
		t.Errorf("CID of %q: %s, %v, want %s", "hello world", c, err, want)
	}
}

func testBlobPieces(t blobTest) {
	for i, wrap := range []func(io.Reader) io.Reader{
		iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
		func(r io.Reader) io.Reader { return struct{ io.Reader }{r} },
	} {
		data := blobBytes(10_000 + i)
		if c, n, err := t.blobs.Put(t.Context(), blobDID, wrap(bytes.NewReader(data))); err != nil {
			t.Errorf("reader %d: %v", i, err)
		} else if c != blobCID(data) || n != int64(len(data)) {
			t.Errorf("reader %d: %s of %d bytes, want %s of %d", i, c, n, blobCID(data), len(data))
		}
		t.wantBlob(blobDID, data)
	}
}

func testBlobPutAgain(t blobTest) {
	data := blobBytes(5000)
	t.put(blobDID, data)
	open := t.open(blobDID, data)
	t.put(blobDID, data)
	t.wantBlob(blobDID, data)
	if got, err := io.ReadAll(open); err != nil || !bytes.Equal(got, data) {
		t.Errorf("opened before the second Put: %d bytes, %v, want all %d", len(got), err, len(data))
	}
}

func testBlobReaderError(t blobTest) {
	data := blobBytes(200_000)
	for _, want := range []error{errors.New("client went away"), io.ErrUnexpectedEOF, io.ErrClosedPipe} {
		for _, n := range []int{0, 1, 100_000, len(data)} {
			r := io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(want))
			if _, _, err := t.blobs.Put(t.Context(), blobDID, r); !errors.Is(err, want) {
				t.Errorf("error after %d bytes: %v, want %v", n, err, want)
			}
			t.wantNoBlob(blobDID, data[:n])
		}
	}
	t.wantNoBlob(blobDID, data)

	t.put(blobDID, data)
	r := io.MultiReader(bytes.NewReader(data), iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, _, err := t.blobs.Put(t.Context(), blobDID, r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error after the bytes of a blob that is there: %v, want %v", err, io.ErrUnexpectedEOF)
	}
	t.wantBlob(blobDID, data)
}

func testBlobPutCancelled(t blobTest) {
	check := func(when string, data []byte, err error) {
		t.Helper()
		switch {
		case err == nil:
			t.wantBlob(blobDID, data)
		case errors.Is(err, context.Canceled):
			t.wantNoBlob(blobDID, data)
		default:
			t.Errorf("cancelled %s: %v, want nil or %v", when, err, context.Canceled)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	data := blobBytes(300_000)
	_, _, err := t.blobs.Put(ctx, blobDID, bytes.NewReader(data))
	check("before", data, err)

	ctx, cancel = context.WithCancel(t.Context())
	data = blobBytes(300_001)
	last := readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF })
	_, _, err = t.blobs.Put(ctx, blobDID, io.MultiReader(bytes.NewReader(data[:1000]), bytes.NewReader(data[1000:]), last))
	check("at the end", data, err)
}

func testBlobNotBeforeWhole(t blobTest) {
	data := blobBytes(100_000)
	looked := 0
	look := readerFunc(func([]byte) (int, error) {
		looked++
		t.wantNoBlob(blobDID, data)
		t.wantNoBlob(blobDID, data[:50_000])
		return 0, io.EOF
	})
	r := io.MultiReader(bytes.NewReader(data[:50_000]), look, bytes.NewReader(data[50_000:]), look)
	if _, _, err := t.blobs.Put(t.Context(), blobDID, r); err != nil {
		t.Fatal(err)
	}
	if looked != 2 {
		t.Errorf("r was read to its end %d times of 2", looked)
	}
	t.wantBlob(blobDID, data)
}

func testBlobRead(t blobTest) {
	for _, size := range []int{0, 1, 4096, 100_000} {
		data := blobBytes(size)
		t.put(blobDID, data)
		if err := iotest.TestReader(t.open(blobDID, data), data); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func testBlobNotFound(t blobTest) {
	data := blobBytes(1000)
	t.put(blobDID, data)
	mh := blobCID(data).Hash()
	long, err := multihash.Sum(data, multihash.IDENTITY, -1)
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]storage.BlobID{
		"other bytes":       {DID: blobDID, CID: blobCID([]byte("other"))},
		"other account":     {DID: "did:plc:z72i7hdynmk6r22z27h6tvur", CID: blobCID(data)},
		"other codec":       {DID: blobDID, CID: cid.NewCidV1(cid.DagCBOR, mh)},
		"version 0":         {DID: blobDID, CID: cid.NewCidV0(mh)},
		"long CID":          {DID: blobDID, CID: cid.NewCidV1(cid.Raw, long)},
		"undefined CID":     {DID: blobDID},
		"no account":        {CID: blobCID(data)},
		"no DID":            {DID: "../" + blobDID, CID: blobCID(data)},
		"NUL in the DID":    {DID: blobDID + "\x00", CID: blobCID(data)},
		"DID of a folder":   {DID: ".", CID: blobCID(data)},
		"slash after a DID": {DID: blobDID + "/", CID: blobCID(data)},
	} {
		if r, err := t.blobs.Open(t.Context(), id); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: %v, want %v", name, err, storage.ErrNotFound)
			if err == nil {
				r.Close()
			}
		}
		if err := t.blobs.Delete(t.Context(), id); err != nil {
			t.Errorf("Delete, %s: %v", name, err)
		}
	}
	t.wantBlob(blobDID, data)
}

func testBlobPositions(t blobTest) {
	data := blobBytes(10_000)
	t.put(blobDID, data)
	a, b := t.open(blobDID, data), t.open(blobDID, data)
	if _, err := a.Seek(5000, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, data) {
		t.Errorf("second reader: %d bytes, %v, want all %d", len(got), err, len(data))
	}
	if got, err := io.ReadAll(a); err != nil || !bytes.Equal(got, data[5000:]) {
		t.Errorf("first reader: %d bytes, %v, want %d", len(got), err, len(data)-5000)
	}
}

func testBlobDelete(t blobTest) {
	data, other := blobBytes(1000), blobBytes(1001)
	id := storage.BlobID{DID: blobDID, CID: blobCID(data)}
	for range 2 { // a deleted blob can be put and deleted anew
		t.put(blobDID, data)
		t.put(blobDID, other)
		for range 3 {
			if err := t.blobs.Delete(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			t.wantNoBlob(blobDID, data)
			t.wantBlob(blobDID, other)
		}
	}
}

func testBlobDeleteWhileOpen(t blobTest) {
	data := blobBytes(300_000)
	t.put(blobDID, data)
	r := t.open(blobDID, data)
	head := make([]byte, 1000)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	if err := t.blobs.Delete(t.Context(), storage.BlobID{DID: blobDID, CID: blobCID(data)}); err != nil {
		t.Fatal(err)
	}
	t.wantNoBlob(blobDID, data)
	rest, err := io.ReadAll(r)
	got := append(head, rest...)
	if !bytes.HasPrefix(data, got) || err == nil && len(got) != len(data) {
		t.Errorf("read %d bytes of %d, %v: want all, or the first ones and an error", len(got), len(data), err)
	}
}

func testBlobAccounts(t blobTest) {
	dids := []syntax.DID{
		blobDID, blobDID + "a", "did:plc:ewvi7nxzyoun6zhxrhs64oi", "did:web:example.com", "did:web:example.com:user",
		"did:web:localhost%3A8080", "did:web:localhost:8080", "did:web:localhost%253A8080", "did:web:..", "did:web:a..b",
		"did:web:" + syntax.DID(strings.Repeat("a.", 123)) + "a", "did:web:" + syntax.DID(strings.Repeat("a.", 126)) + "a",
		"did:web:" + syntax.DID(strings.Repeat("a.", 126)) + "b",
	}
	data := blobBytes(1000)
	for _, did := range dids {
		t.put(did, data)
	}
	for i, did := range dids {
		if err := t.blobs.Delete(t.Context(), storage.BlobID{DID: did, CID: blobCID(data)}); err != nil {
			t.Fatal(err)
		}
		t.wantNoBlob(did, data)
		for _, other := range dids[i+1:] {
			t.wantBlob(other, data)
		}
	}
}
