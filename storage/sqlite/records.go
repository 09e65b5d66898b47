package sqlite

import (
	"context"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

const selectRecords = `SELECT path, cid, rev, bytes FROM records WHERE content = ` + contentOf + ` AND path >= ?2 AND path < ?3 `

func (r reader) Records(ctx context.Context, did syntax.DID, rr storage.RecordRange) iter.Seq2[storage.Record, error] {
	from, to := bounds(rr)
	limit := rr.Limit
	if limit <= 0 {
		limit = -1 // none
	}
	if rr.Reverse {
		return each(ctx, r.db, scanRecord, selectRecords+`ORDER BY path DESC LIMIT ?4`, did, from, to, limit)
	}
	return each(ctx, r.db, scanRecord, selectRecords+`ORDER BY path LIMIT ?4`, did, from, to, limit)
}

// bounds returns the first path of a range and the first after it. The latter is a blob where there is none: in SQLite,
// every text sorts before every blob.
func bounds(rr storage.RecordRange) (from string, to any) {
	if rr.Collection == "" {
		return "", []byte(nil)
	}
	from, to = string(rr.Collection)+"/", string(rr.Collection)+"0" // 0 is the character after the slash
	if rr.Before != "" {
		to = from + string(rr.Before)
	}
	if rr.After != "" {
		from += string(rr.After) + "\x00"
	}
	return from, to
}
