package repo

import (
	"container/list"
	"context"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// actor is the place of a repo's one writer, with what the last writer left for the next.
type actor struct {
	did  syntax.DID
	turn chan struct{} // full while someone writes

	// Held with the turn. tree is nil if nothing is known; head is that of the tree.
	head storage.Head
	tree *tree

	// Guarded by actors.mu.
	users int // the one whose turn it is, and those who wait
	bytes int64
	elem  *list.Element // nil once it is no longer in actors
}

// drop forgets the tree, after an error that may have left it half changed or out of date.
func (a *actor) drop() { a.head, a.tree = storage.Head{}, nil }

// actors is a least-recently-used cache of actors, bounded in bytes. Those in use are never evicted.
type actors struct {
	max int64

	mu    sync.Mutex // never held during I/O
	byDID map[syntax.DID]*actor
	lru   list.List // of *actor, the most recently used first
	bytes int64
}

func newActors(max int64) *actors {
	return &actors{max: max, byDID: make(map[syntax.DID]*actor)}
}

// maxTreeBytes is what one repo may keep.
func (s *actors) maxTreeBytes() int64 { return min(s.max/16, 1<<20) }

// acquire waits for the turn to write a repo, which release gives back.
func (s *actors) acquire(ctx context.Context, did syntax.DID) (*actor, error) {
	s.mu.Lock()
	a := s.byDID[did]
	if a == nil {
		a = &actor{did: did, turn: make(chan struct{}, 1)}
		a.elem = s.lru.PushFront(a)
		s.byDID[did] = a
	} else {
		s.lru.MoveToFront(a.elem)
	}
	a.users++
	s.mu.Unlock()

	select {
	case a.turn <- struct{}{}:
		if ctx.Err() == nil {
			return a, nil
		}
		s.release(a)
	case <-ctx.Done():
		s.mu.Lock()
		s.leave(a)
		s.mu.Unlock()
	}
	return nil, context.Cause(ctx)
}

func (s *actors) release(a *actor) {
	var size int64
	if a.tree != nil {
		if a.tree.bytes > s.maxTreeBytes() {
			a.tree.prune(s.maxTreeBytes())
		}
		size = actorBytes + a.tree.size()
	}
	s.mu.Lock()
	if a.elem != nil {
		s.bytes += size - a.bytes
		a.bytes = size
	}
	s.leave(a)
	for e := s.lru.Back(); e != nil && s.bytes > s.max; {
		prev := e.Prev()
		if old := e.Value.(*actor); old.users == 0 {
			s.remove(old)
		}
		e = prev
	}
	s.mu.Unlock()
	<-a.turn
}

// leave counts a user out, and lets go of an actor that nobody uses and that knows nothing.
func (s *actors) leave(a *actor) {
	a.users--
	if a.users == 0 && a.bytes == 0 {
		s.remove(a)
	}
}

func (s *actors) forget(did syntax.DID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.byDID[did]; a != nil {
		s.remove(a) // whoever has its turn finishes alone; storage keeps later writers apart from them
	}
}

func (s *actors) remove(a *actor) {
	if a.elem == nil {
		return
	}
	s.lru.Remove(a.elem)
	delete(s.byDID, a.did)
	s.bytes -= a.bytes
	a.elem = nil
}

// actorBytes is about what an actor takes beside its tree.
const actorBytes = 1024
