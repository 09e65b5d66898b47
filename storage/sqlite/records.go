package sqlite

import (
	"context"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// recordColumns are those of a record r of the repo ?1. Whether it has takedowns at all is looked up once, not for each
// record.
const recordColumns = `r.path, r.cid, r.rev, r.bytes, CASE WHEN EXISTS (SELECT 1 FROM record_takedowns WHERE did = ?1)
	THEN (SELECT t.ref FROM record_takedowns t WHERE t.did = ?1 AND t.path = r.path) END`

const selectRecords = `SELECT ` + recordColumns + ` FROM records r WHERE r.content = ` + contentOf + `
	AND r.path >= ?2 AND r.path < ?3 `

func (r reader) Records(ctx context.Context, did syntax.DID, rr storage.RecordRange) iter.Seq2[storage.Record, error] {
	from, to := bounds(rr)
	limit := rr.Limit
	if limit <= 0 {
		limit = -1 // none
	}
	if rr.Reverse {
		return each(ctx, r.db, scanRecord, selectRecords+`ORDER BY r.path DESC LIMIT ?4`, did, from, to, limit)
	}
	return each(ctx, r.db, scanRecord, selectRecords+`ORDER BY r.path LIMIT ?4`, did, from, to, limit)
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
