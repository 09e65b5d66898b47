package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	pdsrepo "github.com/pdskit/pdskit/repo"
)

// blobCID is the form that every blob's CID has.
//
// Spec: https://atproto.com/specs/data-model#link-and-cid-formats
var blobCID = cid.Prefix{Version: 1, Codec: cid.Raw, MhType: multihash.SHA2_256, MhLength: sha256.Size}

// fetchBlobs fetches all blobs that the records of a repo refer to and that aren't there. It reads the repo from the
// bucket: the source's answer doesn't wait for the blobs.
func (m *Mirror) fetchBlobs(ctx context.Context, a *account) error {
	r := openSegments(ctx, m.to, a.Segments)
	defer r.Close()
	c, err := pdsrepo.OpenCopy(ctx, a.DID, r, m.config.SpillDir)
	if err != nil {
		return err
	}
	defer c.Close()
	for row, err := range c.Rows() {
		if err != nil {
			return err
		}
		if row.Record == nil {
			continue
		}
		for _, b := range row.Record.Blobs {
			if err := m.fetchBlob(ctx, a.DID, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetchBlob stores a blob that isn't there. If the source hasn't got it either, it notes that, to try again later.
func (m *Mirror) fetchBlob(ctx context.Context, did syntax.DID, c cid.Cid) error {
	there, err := exists(ctx, m.to, blobObject(did, c))
	if err != nil || there {
		return err
	}
	err = m.copyBlob(ctx, did, c)
	var input *inputError
	switch {
	case err == nil:
		m.progress.Blobs++
		return m.to.Delete(ctx, absentObject(did, c))
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &input):
		return err
	}
	if !errors.Is(err, ErrNoBlob) {
		m.logger.WarnContext(ctx, "backup: a blob couldn't be had", "did", did, "cid", c, "err", input.error)
	}
	return m.to.Put(ctx, absentObject(did, c), bytes.NewReader(nil))
}

// copyBlob copies a blob from the source into the bucket. Error: an *inputError, if the source is to blame.
func (m *Mirror) copyBlob(ctx context.Context, did syntax.DID, c cid.Cid) error {
	if c.Prefix() != blobCID {
		return &inputError{fmt.Errorf("%w: %s isn't the CID of one", ErrNoBlob, c)}
	}
	r, err := m.source.Blob(ctx, did, c)
	if err != nil {
		return &inputError{err}
	}
	defer r.Close()
	blob := newBlobReader(r, c)
	err = m.to.Put(ctx, blobObject(did, c), blob)
	if blob.err != nil && blob.err != io.EOF {
		return &inputError{blob.err}
	}
	return err
}

// collectBlobs deletes all blobs of an account but those given, as soon as the manifest is stored.
func (m *Mirror) collectBlobs(ctx context.Context, a *account, used map[string]struct{}) error {
	for _, folder := range []string{blobFolder(a.DID), absentFolder(a.DID)} {
		if err := m.collect(ctx, a, folder, func(name string) bool {
			_, ok := used[path.Base(name)]
			return ok
		}); err != nil {
			return err
		}
	}
	return nil
}

// collect deletes the objects in a folder but those to be kept, as soon as the manifest is stored.
func (m *Mirror) collect(ctx context.Context, a *account, folder string, keep func(name string) bool) error {
	for name, err := range m.to.List(ctx, folder) {
		if err != nil {
			return err
		}
		if !keep(name) {
			a.garbage = append(a.garbage, name)
		}
	}
	return nil
}

// errWrongCID: a blob isn't what its CID names.
var errWrongCID = errors.New("content doesn't match the CID")

// blobReader reads a blob, and ends with errWrongCID if it isn't what its CID names.
type blobReader struct {
	r    io.Reader
	cid  cid.Cid
	hash hash.Hash
	err  error
}

func newBlobReader(r io.Reader, c cid.Cid) *blobReader {
	return &blobReader{r: r, cid: c, hash: sha256.New()}
}

func (b *blobReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.hash.Write(p[:n])
	if err == io.EOF {
		mh, encodeErr := multihash.Encode(b.hash.Sum(nil), multihash.SHA2_256)
		if encodeErr != nil || cid.NewCidV1(cid.Raw, mh) != b.cid {
			err = errWrongCID
		}
	}
	b.err = err
	return n, err
}
