package disk_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// TestFull: that a disk is full shows in bytes, and in the files and folders that there may be on it.
func TestFull(t *testing.T) {
	for name, options := range map[string]string{"bytes": "size=16k", "files": "nr_inodes=2", "folders": "nr_inodes=3"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
				t.Skip("a small disk takes root: ", err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(dir, 0); err != nil {
					t.Error(err)
				}
			})
			b := open(t, dir)
			_, _, err := b.Put(t.Context(), did, strings.NewReader(strings.Repeat("x", 100_000)))
			if !errors.Is(err, storage.ErrFull) {
				t.Errorf("Put: %v, want %v", err, storage.ErrFull)
			}
			if left := files(t, dir); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
