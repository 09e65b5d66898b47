package disk

import (
	"errors"
	"fmt"
	"os"
)

// ErrReadOnly is what Put and Delete return of a folder that is open for reading only.
var ErrReadOnly = errors.New("disk: the folder is open for reading only")

// OpenReadOnly opens a folder that exists for reading, also while this or another process has it open: for backups and other
// tools. It changes nothing in it.
//
// Error: [io/fs.ErrNotExist].
func OpenReadOnly(dir string) (*Blobs, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("disk: %w", err)
	}
	return &Blobs{dir: dir, readOnly: true}, nil
}
