//go:build unix

package disk_test

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/storage/disk"
)

// Who reads a folder disturbs nobody who uploads to it.
func TestOpenReadOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := disk.OpenReadOnly(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenReadOnly: %v, want %v", err, fs.ErrNotExist)
	}
	b := open(t, dir)
	var reader *disk.Blobs
	upload := io.MultiReader(strings.NewReader("hello"), readerFunc(func([]byte) (int, error) {
		var err error
		if reader, err = disk.OpenReadOnly(dir); err != nil {
			t.Error(err)
		}
		return 0, io.EOF
	}), strings.NewReader(" world"))
	if c, _, err := b.Put(t.Context(), did, upload); err != nil || c != hello.CID {
		t.Fatalf("an upload meanwhile: %s, %v", c, err)
	}
	if got := read(t, reader); got != "hello world" {
		t.Errorf("read %q", got)
	}
	if _, _, err := reader.Put(t.Context(), did, strings.NewReader("hello")); !errors.Is(err, disk.ErrReadOnly) {
		t.Errorf("Put: %v, want %v", err, disk.ErrReadOnly)
	}
	if err := reader.Delete(t.Context(), hello); !errors.Is(err, disk.ErrReadOnly) {
		t.Errorf("Delete: %v, want %v", err, disk.ErrReadOnly)
	}
	if got := read(t, b); got != "hello world" {
		t.Errorf("read %q after that", got)
	}
}
