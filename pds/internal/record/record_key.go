package record

import (
	"sync"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// recordKeys makes the keys of records whose client names none: TIDs, of which no two are equal. They follow the clock
// unless more than one a microsecond is asked for or the clock has stepped back.
type recordKeys struct {
	mu   sync.Mutex
	last int64 // microseconds
}

func (k *recordKeys) next(now time.Time) syntax.RecordKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = max(now.UnixMicro(), k.last+1)
	return syntax.RecordKey(syntax.NewTID(k.last, 0))
}
