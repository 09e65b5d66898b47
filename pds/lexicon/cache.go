package lexicon

import (
	"container/list"
	"sync"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// cache keeps what came of resolutions, good or bad, up to a number of lexicons, of which it drops the least recently
// used.
type cache struct {
	size int

	mu    sync.Mutex // of what follows
	items map[syntax.NSID]*list.Element
	used  list.List // of *resolution, the most recently used first
}

// resolution is what came of resolving a lexicon.
type resolution struct {
	id     syntax.NSID
	found  *Resolved // nil if there was an error
	err    error
	expire time.Time
}

func newCache(size int) *cache { return &cache{size: size, items: map[syntax.NSID]*list.Element{}} }

// get returns what is known of a lexicon at a time, or nil.
func (c *cache) get(id syntax.NSID, now time.Time) *resolution {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[id]
	if !ok {
		return nil
	}
	r := e.Value.(*resolution)
	if !now.Before(r.expire) {
		c.used.Remove(e)
		delete(c.items, id)
		return nil
	}
	c.used.MoveToFront(e)
	return r
}

func (c *cache) put(r *resolution) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[r.id]; ok {
		c.used.Remove(e)
	}
	c.items[r.id] = c.used.PushFront(r)
	if len(c.items) > c.size {
		delete(c.items, c.used.Remove(c.used.Back()).(*resolution).id)
	}
}
