package disk

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pdskit/pdskit/storage"
)

// Put implements [storage.Blobs]. It looks at ctx between two reads of r, and can't interrupt one. The DID has to be
// valid.
func (b *Blobs) Put(ctx context.Context, did syntax.DID, r io.Reader) (cid.Cid, int64, error) {
	if b.readOnly {
		return cid.Undef, 0, ErrReadOnly
	}
	account, ok := accountName(did)
	if !ok {
		return cid.Undef, 0, fmt.Errorf("disk: %q is not a DID", did)
	}
	f, err := os.CreateTemp(b.incoming(), "")
	if err != nil {
		return cid.Undef, 0, fmt.Errorf("disk: %w", full(err))
	}
	// Whatever happens, no half blob stays. After the rename there is nothing of this name.
	defer os.Remove(f.Name())
	defer f.Close()

	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, hash), &reader{ctx, r})
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), ctx.Err())
	}
	if err != nil {
		return cid.Undef, 0, fmt.Errorf("disk: upload: %w", full(err))
	}
	mh, err := multihash.Encode(hash.Sum(nil), multihash.SHA2_256)
	if err != nil {
		return cid.Undef, 0, fmt.Errorf("disk: %w", err)
	}
	c := cid.NewCidV1(cid.Raw, mh)
	if err := b.place(f.Name(), account, c.String()); err != nil {
		return cid.Undef, 0, err
	}
	return c, n, nil
}

// place moves a flushed file into an account's folder, durably. If the blob is there already it is replaced: the same
// bytes, or else whole ones for torn ones.
func (b *Blobs) place(from, account, file string) error {
	folder := filepath.Join(b.dir, account)
	if err := b.move(from, folder, file); err != nil {
		return fmt.Errorf("disk: %w", full(err))
	}
	if err := flush(folder); err != nil {
		return err
	}
	// Also when the folder was there before: who made it may not have come as far as here.
	return flush(b.dir)
}

func (b *Blobs) move(from, folder, file string) error {
	b.folders.Lock()
	defer b.folders.Unlock()
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(from, filepath.Join(folder, file))
}

// full makes an error a [storage.ErrFull] if it says that the disk, or the part of it that is ours, has no room for a file or
// what is in it. Nothing has been placed then.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", storage.ErrFull, err)
	}
	return err
}

// reader reads until its context ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
