package plc

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
)

// File is a [Journal] in a file: a line of JSON for each record, as GET /export?after=0 of a directory writes them.
// One process at a time may have it open.
type File struct {
	mu     sync.Mutex
	f      *os.File
	size   int64 // of the complete lines
	broken error // why nothing can be appended any more
}

var _ Journal = (*File)(nil)

// OpenFile opens a journal, and creates it if it doesn't exist. A last line without its end, as a crash leaves it
// behind, was never acknowledged and is cut off. The caller closes the file when the directory isn't used any more.
func OpenFile(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = createFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("plc: journal: %w", err)
	}
	size, err := completeLines(f)
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("plc: journal: %w", err), f.Close())
	}
	return &File{f: f, size: size}, nil
}

// createFile makes the name as durable as what will be written under it.
func createFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// completeLines returns the number of bytes up to the end of the last line that has one.
func completeLines(f *os.File) (int64, error) {
	var size, read int64
	buf := make([]byte, 64<<10)
	for {
		n, err := f.ReadAt(buf, read)
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			size = read + int64(i) + 1
		}
		read += int64(n)
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// Entries yields the records of the file. Error: [ErrMalformed] if a line isn't one.
func (f *File) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f.mu.Lock()
		size := f.size
		f.mu.Unlock()
		lines := bufio.NewScanner(io.NewSectionReader(f.f, 0, size))
		lines.Buffer(nil, maxBodyBytes)
		for n := 1; lines.Scan(); n++ {
			r, err := parseRecord(lines.Bytes())
			if err != nil {
				yield(Entry{}, fmt.Errorf("%w: journal: line %d: %w", ErrMalformed, n, err))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Entry{}, fmt.Errorf("plc: journal: %w", err))
		}
	}
}

func parseRecord(line []byte) (Entry, error) {
	var w wireEntry
	if err := json.Unmarshal(line, &w); err != nil {
		return Entry{}, err
	}
	var e Entry
	if err := e.read(w); err != nil {
		return Entry{}, err
	}
	e.Seq, e.CreatedAt, e.Nullified = w.Seq, e.CreatedAt.UTC(), false
	return e, nil
}

// Append writes a line and flushes it to the disk. After an error that leaves open what the disk holds, every further
// call fails, until the file is opened anew.
func (f *File) Append(_ context.Context, r Entry) error {
	v, err := r.sequenced()
	if err != nil {
		return err
	}
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("plc: journal: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return f.broken
	}
	if err := f.write(append(line, '\n')); err != nil {
		return fmt.Errorf("plc: journal: %w", err)
	}
	return nil
}

func (f *File) write(line []byte) error {
	info, err := f.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.size {
		f.broken = errors.New("plc: journal: another process writes to the file")
		return f.broken
	}
	if _, err := f.f.WriteAt(line, f.size); err != nil {
		if undo := f.f.Truncate(f.size); undo != nil {
			f.broken = fmt.Errorf("plc: journal: %w", undo)
		}
		return err
	}
	if err := f.f.Sync(); err != nil {
		f.broken = fmt.Errorf("plc: journal: %w", err) // nobody knows what a failed flush has left on the disk
		return err
	}
	f.size += int64(len(line))
	return nil
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }
