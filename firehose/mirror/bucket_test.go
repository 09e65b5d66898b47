package mirror

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
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

func TestDir(t *testing.T) {
	d := newDir(t)
	ctx := t.Context()
	check(t, d.Put(ctx, "a/b/one", bytes.NewReader([]byte("1"))))
	check(t, d.Put(ctx, "a/two", bytes.NewReader([]byte("2"))))
	check(t, d.Put(ctx, "a/two", bytes.NewReader([]byte("two"))))
	check(t, d.Put(ctx, "c/three", bytes.NewReader(nil)))
	broken := errors.New("broken")
	if err := d.Put(ctx, "a/two", io.MultiReader(bytes.NewReader([]byte("half")), iotest.ErrReader(broken))); !errors.Is(err, broken) {
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
	for _, name := range []string{"../x", "/x", "a//x", "a/../../x", ".aside/x", ""} {
		if err := d.Put(ctx, name, bytes.NewReader(nil)); err == nil {
			t.Errorf("put of %q", name)
		}
	}
	if _, err := OpenDir(t.TempDir()); !isNotExist(err) {
		t.Errorf("a folder without a mirror: %v", err)
	}
}
