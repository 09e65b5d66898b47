package repo

import (
	"fmt"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// maxRev is the highest rev from which a repo can go on. It lies in the year 2255; a higher one in an imported repo
// would let the counter run over, and rev go back.
var maxRev = syntax.NewTID(1<<53-1<<40, 0)

// nextRev returns the rev for a commit now: above all of prev, even if the clock has stepped back. Each of prev may
// be "".
func nextRev(now time.Time, prev ...syntax.TID) (syntax.TID, error) {
	rev := syntax.NewTIDFromTime(now, 0)
	for _, p := range prev {
		if p > maxRev {
			return "", fmt.Errorf("repo: rev %s leaves no room for a later one", p)
		}
		if p >= rev {
			rev = syntax.NewTIDFromInteger((p.Integer()>>10 + 1) << 10)
		}
	}
	return rev, nil
}
