package sqlite

import (
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// maxCachedAccounts bounds the accounts in memory, of about half a kilobyte each.
const maxCachedAccounts = 4096

// accountCache remembers accounts by their DIDs. Nearly every request begins by looking one up, and a connection that
// reads after a write starts with an empty page cache.
//
// A cached account is never out of date: this store is the only one that has the database, and while it changes an
// account, that one is read from the database by all. Of a store that only reads, beside one that writes, this isn't so:
// its cache is the zero one, which remembers nothing.
type accountCache struct {
	mu       sync.Mutex
	accounts map[syntax.DID]storage.Account // nil of the zero cache, and after close
	changing map[syntax.DID]int             // how many changes are under way
	changes  int                            // how many have begun or ended so far
}

func newAccountCache() *accountCache {
	return &accountCache{accounts: make(map[syntax.DID]storage.Account), changing: make(map[syntax.DID]int)}
}

// get returns an account, or what put has to be told when the account has been read.
func (c *accountCache) get(did syntax.DID) (a storage.Account, changes int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok = c.accounts[did]
	return a, c.changes, ok
}

// put remembers an account that was read after get returned changes, unless a change may have overtaken the reader.
func (c *accountCache) put(a storage.Account, changes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.accounts == nil || c.changes != changes || c.changing[a.DID] > 0 {
		return
	}
	if len(c.accounts) >= maxCachedAccounts {
		for did := range c.accounts { // any one
			delete(c.accounts, did)
			break
		}
	}
	c.accounts[a.DID] = a
}

// close forgets all accounts for good: who asks for one hears from the pool that the store is closed.
func (c *accountCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accounts = nil
}

// change forgets an account that is about to be changed, until done is called, when the outcome is known.
func (c *accountCache) change(did syntax.DID) (done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.accounts == nil {
		return func() {}
	}
	c.changes++
	c.changing[did]++
	delete(c.accounts, did)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changes++ // who has read meanwhile may have read what was before
		if c.changing[did]--; c.changing[did] == 0 {
			delete(c.changing, did)
		}
	}
}
