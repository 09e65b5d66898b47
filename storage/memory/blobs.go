package memory

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/pdskit/pdskit/storage"
)

// Blobs is a [storage.Blobs] in memory.
type Blobs struct {
	mu    sync.RWMutex
	blobs map[storage.BlobID][]byte // the slices never change
}

var _ storage.Blobs = (*Blobs)(nil)

// NewBlobs returns an empty store of blobs' bytes.
func NewBlobs() *Blobs {
	return &Blobs{blobs: make(map[storage.BlobID][]byte)}
}

// Put implements [storage.Blobs].
func (b *Blobs) Put(ctx context.Context, did syntax.DID, r io.Reader) (cid.Cid, int64, error) {
	data, err := io.ReadAll(r)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return cid.Undef, 0, err
	}
	digest, err := multihash.Sum(data, multihash.SHA2_256, -1)
	if err != nil {
		return cid.Undef, 0, err
	}
	c := cid.NewCidV1(cid.Raw, digest)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blobs[storage.BlobID{DID: did, CID: c}] = data
	return c, int64(len(data)), nil
}

// Open implements [storage.Blobs].
func (b *Blobs) Open(ctx context.Context, id storage.BlobID) (io.ReadSeekCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	data, ok := b.blobs[id]
	if !ok {
		return nil, storage.ErrNotFound
	}
	return openBlob{bytes.NewReader(data)}, nil
}

// Delete implements [storage.Blobs]. Who has the blob open reads on.
func (b *Blobs) Delete(ctx context.Context, id storage.BlobID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.blobs, id)
	return nil
}

type openBlob struct{ *bytes.Reader }

// Close implements [io.Closer].
func (openBlob) Close() error { return nil }
