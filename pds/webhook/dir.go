package webhook

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Dir keeps positions in a folder: a file for each endpoint, with a number in it.
type Dir struct{ path string }

var _ Positions = (*Dir)(nil)

// NewDir returns the positions in a folder, which is made when there is one to keep.
func NewDir(path string) *Dir { return &Dir{path} }

func (d *Dir) file(endpoint string) string { return filepath.Join(d.path, endpoint+".position") }

// Position implements [Positions]. A file without a number in it is an error.
func (d *Dir) Position(_ context.Context, endpoint string) (int64, bool, error) {
	b, err := os.ReadFile(d.file(endpoint))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("webhook: %w", err)
	}
	line, whole := strings.CutSuffix(string(b), "\n")
	seq, err := strconv.ParseInt(line, 10, 64)
	if err != nil || !whole || seq < 0 {
		return 0, false, fmt.Errorf("webhook: %s: %q is no position", d.file(endpoint), b)
	}
	return seq, true, nil
}

// SetPosition implements [Positions]. The file is written aside, flushed and renamed, so that a crash leaves the old
// number or the new one.
func (d *Dir) SetPosition(_ context.Context, endpoint string, seq int64) error {
	if err := d.write(d.file(endpoint), strconv.FormatInt(seq, 10)+"\n"); err != nil {
		return fmt.Errorf("webhook: keep the position of %s: %w", endpoint, err)
	}
	return nil
}

func (d *Dir) write(path, content string) error {
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return err
	}
	aside := path + ".new"
	f, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	folder, err := os.Open(d.path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
