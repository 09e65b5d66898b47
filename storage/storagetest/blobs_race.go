package storagetest

import (
	"bytes"
	"context"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

func testBlobPutRace(t blobTest) {
	data := blobBytes(100_000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if c, n, err := t.blobs.Put(t.Context(), blobDID, bytes.NewReader(data)); err != nil {
				t.Error(err)
			} else if c != blobCID(data) || n != int64(len(data)) {
				t.Errorf("%s of %d bytes, want %s of %d", c, n, blobCID(data), len(data))
			}
			t.wantBlob(blobDID, data)
		})
	}
	wg.Wait()
}

// testBlobRace puts, deletes and reads one blob at once. Beside it, a blob of the same account that nobody deletes has to
// stay there all the time.
func testBlobRace(t blobTest) {
	data, kept := blobBytes(100_000), blobBytes(100)
	id := storage.BlobID{DID: blobDID, CID: blobCID(data)}
	t.put(blobDID, kept)

	const rounds = 30
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range rounds {
				if _, _, err := t.blobs.Put(t.Context(), blobDID, bytes.NewReader(data)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range rounds {
				if err := t.blobs.Delete(t.Context(), id); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 10 * rounds {
				// Only reading may fail for another reason than absence: the blob may be deleted meanwhile.
				got, err := t.read(id.DID, id.CID)
				if err == nil && !bytes.Equal(got, data) || !bytes.HasPrefix(data, got) {
					t.Errorf("read %d wrong bytes of %d, %v", len(got), len(data), err)
				}
				t.wantBlob(blobDID, kept)
			}
		})
	}
	wg.Wait()
	t.put(blobDID, data)
	t.wantBlob(blobDID, data)
}

// testBlobChurn has accounts of which the last blob is deleted, again and again, while the first one is put.
func testBlobChurn(t blobTest) {
	const did syntax.DID = "did:web:churn.example.com"
	absent := storage.BlobID{DID: did, CID: blobCID(nil)}
	ctx, stop := context.WithCancel(t.Context())
	var deleting, putting sync.WaitGroup
	for range 2 {
		deleting.Go(func() {
			for ctx.Err() == nil {
				if err := t.blobs.Delete(t.Context(), absent); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 4 {
		data := blobBytes(10 + i)
		putting.Go(func() {
			for range 50 {
				c, _, err := t.blobs.Put(t.Context(), did, bytes.NewReader(data))
				if err != nil {
					t.Error(err)
					return
				}
				t.wantBlob(did, data)
				if err := t.blobs.Delete(t.Context(), storage.BlobID{DID: did, CID: c}); err != nil {
					t.Error(err)
				}
				t.wantNoBlob(did, data)
			}
		})
	}
	putting.Wait()
	stop()
	deleting.Wait()
}
