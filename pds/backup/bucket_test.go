package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// counting is a bucket that counts the bytes that it's given.
type counting struct {
	Bucket
	mu sync.Mutex
	n  int64
}

func (c *counting) Put(ctx context.Context, name string, r io.Reader) error {
	var n counter
	err := c.Bucket.Put(ctx, name, io.TeeReader(r, &n))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n.n
	return err
}

func (c *counting) written() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// objectStore is a bucket in memory as object stores have them: names and contents, and no folders.
type objectStore struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func newMemory() *objectStore { return &objectStore{objects: make(map[string][]byte)} }

func (m *objectStore) Put(_ context.Context, name string, r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[name] = content
	return nil
}

func (m *objectStore) Open(_ context.Context, name string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	content, ok := m.objects[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (m *objectStore) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		m.mu.Lock()
		names := slices.Sorted(maps.Keys(m.objects))
		m.mu.Unlock()
		for _, name := range names {
			if strings.HasPrefix(name, prefix) && !yield(name, nil) {
				return
			}
		}
	}
}

func (m *objectStore) Delete(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, name)
	return nil
}

// TestBuckets holds two very different buckets against the contract.
func TestBuckets(t *testing.T) {
	t.Run("folder", func(t *testing.T) { testBucket(t, newDir(t)) })
	t.Run("memory", func(t *testing.T) { testBucket(t, newMemory()) })
}

func testBucket(t *testing.T, d Bucket) {
	ctx := t.Context()
	check(t, d.Put(ctx, "a/b/one", bytes.NewReader([]byte("1"))))
	check(t, d.Put(ctx, "a/two", bytes.NewReader([]byte("2"))))
	check(t, d.Put(ctx, "a/two", bytes.NewReader([]byte("two"))))
	check(t, d.Put(ctx, "c/three", bytes.NewReader(nil)))
	broken := errors.New("broken")
	half := io.MultiReader(bytes.NewReader([]byte("half")), iotest.ErrReader(broken))
	if err := d.Put(ctx, "a/two", half); !errors.Is(err, broken) {
		t.Errorf("put of what can't be read: %v", err)
	}
	if b, err := load(ctx, d, "a/two"); err != nil || string(b) != "two" {
		t.Errorf("a/two is %q, %v", b, err)
	}
	if _, err := d.Open(ctx, "a/none"); !isNotExist(err) {
		t.Errorf("open of nothing: %v", err)
	}
	list := func(prefix string) (names []string) {
		for name, err := range d.List(ctx, prefix) {
			check(t, err)
			names = append(names, name)
		}
		slices.Sort(names)
		return names
	}
	if got := list("a/"); !slices.Equal(got, []string{"a/b/one", "a/two"}) {
		t.Errorf("list has %q", got)
	}
	if got := list("none/"); len(got) > 0 {
		t.Errorf("list of nothing has %q", got)
	}
	check(t, d.Delete(ctx, "a/b/one"))
	check(t, d.Delete(ctx, "a/b/one"))
	if got := list("a/"); !slices.Equal(got, []string{"a/two"}) {
		t.Errorf("list has %q", got)
	}
}

func TestDir(t *testing.T) {
	d := newDir(t)
	for _, name := range []string{"../x", "/x", "a//x", "a/../../x", ".aside/x", ""} {
		if err := d.Put(t.Context(), name, bytes.NewReader(nil)); err == nil {
			t.Errorf("put of %q", name)
		}
	}
	if _, err := OpenDir(t.TempDir()); !isNotExist(err) {
		t.Errorf("a folder without a mirror: %v", err)
	}
}
