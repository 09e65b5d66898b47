package lexicon

import (
	"container/list"
	"sync"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// maxWeight bounds the records that a cache keeps, in bytes as they are in the repo. In memory a lexicon is many times as
// large, and strangers choose how large theirs are.
const maxWeight = 8 << 20

// cache keeps what came of resolutions, good or bad, up to a number of lexicons and their weight, of which it drops the
// least recently used.
type cache struct {
	size int

	mu    sync.Mutex // of what follows
	items map[syntax.NSID]*list.Element
	used  list.List // of *resolution, the most recently used first
	total int       // weight of the items
}

// resolution is what came of resolving a lexicon.
type resolution struct {
	id     syntax.NSID
	found  *Resolved // nil if there was an error
	err    error
	expire time.Time
	weight int // of what was found, in bytes
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
		c.discard(e)
		return nil
	}
	c.used.MoveToFront(e)
	return r
}

func (c *cache) put(r *resolution) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[r.id]; ok {
		c.discard(e)
	}
	c.items[r.id] = c.used.PushFront(r)
	c.total += r.weight
	for len(c.items) > c.size || c.total > maxWeight {
		c.discard(c.used.Back())
	}
}

// discard is called while mu is held.
func (c *cache) discard(e *list.Element) {
	r := c.used.Remove(e).(*resolution)
	delete(c.items, r.id)
	c.total -= r.weight
}
