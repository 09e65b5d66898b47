package identity

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// maxWeight bounds what a cache of values that have a weight keeps of them, in bytes.
const maxWeight = 64 << 20

// cache keeps what was resolved, up to a number of values and their weight, of which it drops the least recently used.
//
// A value that is stale is resolved anew when it is asked for. If that fails other than by finding out that there is
// nothing, the stale value is still good until it expires: a network that is down for an hour shuts nobody out.
type cache[K ~string, V any] struct {
	size          int
	stale, expire time.Duration
	clock         func() time.Time
	resolve       func(context.Context, K) (V, error)
	isGone        func(error) bool // whether an error says that there is nothing
	weigh         func(V) int      // the size of a value in bytes; nil if it is small, whoever chose it

	group singleflight.Group // of calls of resolve, by key

	mu     sync.Mutex // of what follows
	items  map[K]*list.Element
	used   list.List         // of *cached[K, V], the most recently used first
	total  int               // weight of the items
	latest map[K]*resolution // resolutions that are under way and not outdated
}

// resolution is nothing but itself. (Pointers to what has no size may be equal.)
type resolution struct{ _ byte }

type cached[K ~string, V any] struct {
	key   K
	value V
	at    time.Time
	size  int
}

// get returns a value that may be old, but not stale or, if the network fails, not expired.
func (c *cache[K, V]) get(ctx context.Context, key K) (V, error) {
	old, age, ok := c.lookup(key)
	if ok && age < c.stale {
		return old, nil
	}
	v, err := c.fetch(ctx, key)
	if err != nil && ok && age < c.expire && !c.isGone(err) && ctx.Err() == nil {
		return old, nil
	}
	return v, err
}

// fetch resolves a key. Calls at the same time share one resolution, which goes on if the caller who began it leaves;
// resolve bounds its time.
func (c *cache[K, V]) fetch(ctx context.Context, key K) (V, error) {
	result := c.group.DoChan(string(key), func() (any, error) {
		end := c.begin(key)
		v, err := c.resolve(context.WithoutCancel(ctx), key)
		end(v, err)
		return v, err
	})
	select {
	case r := <-result:
		v, _ := r.Val.(V)
		return v, r.Err
	case <-ctx.Done():
		var zero V
		return zero, ctx.Err()
	}
}

// refresh resolves a key now, whatever is known, and whatever resolution has begun before.
func (c *cache[K, V]) refresh(ctx context.Context, key K) (V, error) {
	c.outdate(key)
	return c.fetch(ctx, key)
}

// remove forgets a key.
func (c *cache[K, V]) remove(key K) {
	c.outdate(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(key)
}

// outdate has a resolution that is under way neither stored nor shared any more: it may have begun too early.
func (c *cache[K, V]) outdate(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.latest, key)
	c.group.Forget(string(key))
}

// begin notes that a key is being resolved. end stores what has come of that, unless it was outdated meanwhile.
func (c *cache[K, V]) begin(key K) (end func(V, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	this := new(resolution)
	c.latest[key] = this
	return func(v V, err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.latest[key] != this {
			return
		}
		delete(c.latest, key)
		switch {
		case err == nil:
			c.store(key, v)
		case c.isGone(err):
			c.drop(key)
		}
	}
}

func (c *cache[K, V]) lookup(key K) (v V, age time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[key]
	if !ok {
		return v, 0, false
	}
	c.used.MoveToFront(e)
	item := e.Value.(*cached[K, V])
	return item.value, c.clock().Sub(item.at), true
}

// store is called while mu is held.
func (c *cache[K, V]) store(key K, v V) {
	c.drop(key)
	item := &cached[K, V]{key: key, value: v, at: c.clock()}
	if c.weigh != nil {
		item.size = c.weigh(v)
	}
	c.items[key] = c.used.PushFront(item)
	c.total += item.size
	for len(c.items) > c.size || c.total > maxWeight {
		c.discard(c.used.Back())
	}
}

// drop is called while mu is held.
func (c *cache[K, V]) drop(key K) {
	if e, ok := c.items[key]; ok {
		c.discard(e)
	}
}

// discard is called while mu is held.
func (c *cache[K, V]) discard(e *list.Element) {
	item := c.used.Remove(e).(*cached[K, V])
	delete(c.items, item.key)
	c.total -= item.size
}
