package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// Dir is a folder as a [Bucket]. Only its owner can read what is in it. What is put is written aside, flushed and renamed.
type Dir struct{ path string }

var _ Bucket = (*Dir)(nil)

// asideFolder is where files are until they're whole. It can't be the name of an object.
const asideFolder = ".aside"

// CreateDir opens a folder to keep a mirror in, and makes it if it doesn't exist. Half-written files of a mirror that was
// killed are removed, so nobody else may be writing to the folder.
func CreateDir(path string) (*Dir, error) {
	aside := filepath.Join(path, asideFolder)
	if err := os.RemoveAll(aside); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return &Dir{path}, nil
}

// OpenDir opens a folder for reading. Error: [io/fs.ErrNotExist], if no mirror has ever been kept there.
func OpenDir(path string) (*Dir, error) {
	if _, err := os.Stat(filepath.Join(path, stateName)); err != nil {
		return nil, fmt.Errorf("backup: %s is no backup: %w", path, err)
	}
	return &Dir{path}, nil
}

// file returns the file of an object.
func (d *Dir) file(name string) (string, error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) || strings.HasPrefix(name, ".") || filepath.Clean(local) != local {
		return "", fmt.Errorf("backup: %q can't be the name of an object", name)
	}
	return filepath.Join(d.path, local), nil
}

// Put implements [Bucket].
func (d *Dir) Put(ctx context.Context, name string, r io.Reader) error {
	path, err := d.file(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Join(d.path, asideFolder), "")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer os.Remove(f.Name()) // after the rename there is nothing of this name
	defer f.Close()
	if _, err = io.Copy(f, r); err == nil {
		err = errors.Join(f.Sync(), f.Close(), ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("backup: write %s: %w", name, err)
	}
	if err := d.makeFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("backup: write %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return flush(filepath.Dir(path))
}

// makeFolder makes a folder and those above it, durably.
func (d *Dir) makeFolder(path string) error {
	if _, err := os.Stat(path); err == nil || path == d.path {
		return err
	}
	parent := filepath.Dir(path)
	if err := d.makeFolder(parent); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return flush(parent)
}

func flush(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open implements [Bucket].
func (d *Dir) Open(_ context.Context, name string) (io.ReadCloser, error) {
	path, err := d.file(name)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// List implements [Bucket].
func (d *Dir) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		root, err := d.file(strings.TrimSuffix(prefix, "/"))
		if err != nil {
			yield("", err)
			return
		}
		err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if isNotExist(err) {
				return nil
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil || entry.IsDir() {
				return err
			}
			name, err := filepath.Rel(d.path, path)
			if err == nil && !yield(filepath.ToSlash(name), nil) {
				return fs.SkipAll
			}
			return err
		})
		if err != nil {
			yield("", fmt.Errorf("backup: list %s: %w", prefix, err))
		}
	}
}

// Delete implements [Bucket]. Folders that become empty are left.
func (d *Dir) Delete(_ context.Context, name string) error {
	path, err := d.file(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !isNotExist(err) {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}
