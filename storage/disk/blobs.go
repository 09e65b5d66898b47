package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/pdskit/pdskit/storage"
)

// Blobs keeps blobs in a folder. It holds no file open between calls, so there is nothing to close.
type Blobs struct {
	dir      string
	readOnly bool

	// folders is held while an account's folder is made and a blob moved into it, and while an empty one is removed:
	// a folder never vanishes between the two steps of the former.
	folders sync.Mutex
}

var _ storage.Blobs = (*Blobs)(nil)

// Create makes the folder dir, and those above it, unless they are there, and opens it like [Open].
func Create(dir string) (*Blobs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("disk: %w", err)
	}
	return Open(dir)
}

// Open opens a folder that exists, and removes what interrupted uploads have left in it. One process at a time may have
// a folder open: a second one would take the first one's uploads for interrupted ones, and make them fail. To read beside it,
// there is [OpenReadOnly].
//
// Errors: [fs.ErrNotExist], so that a disk that isn't mounted is not taken for an empty one; [errors.ErrUnsupported] on
// Windows.
func Open(dir string) (*Blobs, error) {
	if runtime.GOOS == "windows" {
		return nil, fmt.Errorf("disk: %w", errors.ErrUnsupported)
	}
	b := &Blobs{dir: dir}
	if err := os.RemoveAll(b.incoming()); err != nil {
		return nil, fmt.Errorf("disk: %w", err)
	}
	if err := os.Mkdir(b.incoming(), 0o700); err != nil {
		return nil, fmt.Errorf("disk: %w", err)
	}
	return b, nil
}

// incoming is the folder of the uploads that aren't complete.
func (b *Blobs) incoming() string { return filepath.Join(b.dir, ".incoming") }

// Open implements [storage.Blobs]. What it returns is an [*os.File].
func (b *Blobs) Open(ctx context.Context, id storage.BlobID) (io.ReadSeekCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	account, file, ok := names(id)
	if !ok {
		return nil, fmt.Errorf("disk: blob %s of %q: %w", id.CID, id.DID, storage.ErrNotFound)
	}
	f, err := os.Open(filepath.Join(b.dir, account, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("disk: blob %s of %s: %w", id.CID, id.DID, storage.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("disk: %w", err)
	}
	return f, nil
}

// Delete implements [storage.Blobs]. Who has the blob open reads on. With an account's last blob goes its folder.
func (b *Blobs) Delete(ctx context.Context, id storage.BlobID) error {
	if b.readOnly {
		return ErrReadOnly
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	account, file, ok := names(id)
	if !ok {
		return nil
	}
	folder := filepath.Join(b.dir, account)
	if err := os.Remove(filepath.Join(folder, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("disk: %w", err)
	}
	// Also when the file was gone before: the call that removed it may have failed here.
	if err := flush(folder); err != nil {
		return err
	}
	b.folders.Lock()
	defer b.folders.Unlock()
	os.Remove(folder) // fails, as it should, unless the folder is empty
	return nil
}

// flush makes the names in a folder durable. A folder that has been removed has none.
func flush(folder string) error {
	d, err := os.Open(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("disk: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("disk: %w", err)
	}
	return nil
}
