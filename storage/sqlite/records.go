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

// The records of a range: all, those that name the subject ?5, those that refer to the blob ?5.
const (
	selectRecords = `SELECT ` + recordColumns + ` FROM records r WHERE r.content = ` + contentOf + `
	AND r.path >= ?2 AND r.path < ?3 ORDER BY r.path `
	selectBySubject = `SELECT ` + recordColumns + ` FROM subjects s
	CROSS JOIN records r ON r.content = s.content AND r.path = s.path
	WHERE s.content = ` + contentOf + ` AND s.subject = ?5 AND s.path >= ?2 AND s.path < ?3 ORDER BY s.path `
	selectByBlob = `SELECT ` + recordColumns + ` FROM blob_refs b
	CROSS JOIN records r ON r.content = b.content AND r.path = b.path
	WHERE b.content = ` + contentOf + ` AND b.cid = ?5 AND b.path >= ?2 AND b.path < ?3 ORDER BY b.path `
)

func (r reader) Records(ctx context.Context, did syntax.DID, rr storage.RecordRange) iter.Seq2[storage.Record, error] {
	if err := rr.Validate(); err != nil {
		return failed[storage.Record](err)
	}
	from, to := bounds(rr)
	limit := rr.Limit
	if limit <= 0 {
		limit = -1 // none
	}
	query, args := selectRecords, []any{did, from, to, limit}
	switch {
	case rr.Subject != "":
		query, args = selectBySubject, append(args, rr.Subject)
	case rr.Blob.Defined():
		query, args = selectByBlob, append(args, rr.Blob.String())
	}
	if rr.Reverse {
		query += `DESC `
	}
	return each(ctx, r.db, scanRecord, query+`LIMIT ?4`, args...)
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
