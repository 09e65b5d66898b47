package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Bucket is where a mirror is kept: a folder (see [Dir]), or a bucket of an object store. Names are lower- and upper-case
// letters, digits and -._:%, in parts that are separated by slashes.
type Bucket interface {
	// Put reads r to its end and stores it under a name, in place of what was there. Readers see all of the old or all of
	// the new. On return it is durable. An error of r is returned as it is or wrapped, and nothing has changed.
	Put(ctx context.Context, name string, r io.Reader) error

	// Open opens an object for reading; the caller closes it. Error: [io/fs.ErrNotExist].
	Open(ctx context.Context, name string) (io.ReadCloser, error)

	// List yields the names that begin with a prefix, which ends in a slash, in any order. Memory doesn't grow with the
	// number of objects. The loop's body may change the bucket; whether the loop sees that is left open.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]

	// Delete removes an object. It is idempotent.
	Delete(ctx context.Context, name string) error
}

// maxDocument bounds the objects that are read into memory at once.
const maxDocument = 16 << 20

// load reads a small object.
func load(ctx context.Context, b Bucket, name string) ([]byte, error) {
	r, err := b.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err == nil && len(data) > maxDocument {
		err = errors.New("too large")
	}
	if err != nil {
		return nil, fmt.Errorf("backup: read %s: %w", name, err)
	}
	return data, nil
}

// loadDocument reads a document into v. Errors: [io/fs.ErrNotExist]; [ErrDamaged].
func loadDocument(ctx context.Context, b Bucket, name string, v any) error {
	data, err := load(ctx, b, name)
	if err != nil {
		return err
	}
	if err := decodeDocument(data, v); err != nil {
		return fmt.Errorf("backup: %s: %w", name, err)
	}
	return nil
}

func putDocument(ctx context.Context, b Bucket, name string, v any) error {
	data, err := encodeDocument(v)
	if err != nil {
		return fmt.Errorf("backup: %s: %w", name, err)
	}
	return b.Put(ctx, name, bytes.NewReader(data))
}

// exists says whether there is an object. Error: the bucket's.
func exists(ctx context.Context, b Bucket, name string) (bool, error) {
	r, err := b.Open(ctx, name)
	if isNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, r.Close()
}
