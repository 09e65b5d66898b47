package keys

import (
	"container/list"
	"sync"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
)

// cache holds the keys that were used last.
type cache struct {
	size     int
	lifetime time.Duration

	mu    sync.Mutex
	byAge *list.List // of *cached, the one used last at the front
	byKey map[string]*list.Element
	epoch uint64 // how often forget was called
}

type cached struct {
	name  string
	key   atcrypto.PrivateKey
	until time.Time
}

func newCache(size int, lifetime time.Duration) *cache {
	return &cache{size: size, lifetime: lifetime, byAge: list.New(), byKey: make(map[string]*list.Element)}
}

// get returns a key that isn't too old, or nil, and the epoch for a later put.
func (c *cache) get(name string, now time.Time) (atcrypto.PrivateKey, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[name]
	if !ok {
		return nil, c.epoch
	}
	entry := e.Value.(*cached)
	if !now.Before(entry.until) {
		c.remove(e)
		return nil, c.epoch
	}
	c.byAge.MoveToFront(e)
	return entry.key, c.epoch
}

// put adds a key that was read from storage after get returned epoch. If a key was forgotten since, it may have been this
// one, and nothing is added.
func (c *cache) put(name string, key atcrypto.PrivateKey, now time.Time, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	if e, ok := c.byKey[name]; ok {
		c.remove(e)
	}
	c.byKey[name] = c.byAge.PushFront(&cached{name: name, key: key, until: now.Add(c.lifetime)})
	for c.byAge.Len() > c.size {
		c.remove(c.byAge.Back())
	}
}

// forget removes a key, and sees to it that nobody who has read it from storage before adds it again.
func (c *cache) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	if e, ok := c.byKey[name]; ok {
		c.remove(e)
	}
}

// remove is called while mu is held.
func (c *cache) remove(e *list.Element) {
	delete(c.byKey, e.Value.(*cached).name)
	c.byAge.Remove(e)
}
