package sqlite

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/ipfs/go-cid"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

const (
	// bulkRecords is how many records a commit writes at least whose CIDs go to fresh_cids first.
	bulkRecords = 16

	// maxFreshCIDs is from how many rows of fresh_cids on a content's go to record_cids, in its order. To look up one of
	// them reads all of them: tenths of a millisecond.
	maxFreshCIDs = 2000
)

func putRecordCID(db *conn, content int64, c cid.Cid, path string) error {
	return db.exec(`INSERT OR IGNORE INTO record_cids (content, tail, path) VALUES (?1, ?2, ?3)`, content, cidTail(c), path)
}

func putFreshCID(db *conn, content int64, c cid.Cid, path string) error {
	return db.exec(`INSERT INTO fresh_cids (content, path, tail) VALUES (?1, ?2, ?3)`, content, path, cidTail(c))
}

func dropRecordCID(db *conn, content int64, c cid.Cid, path string) error {
	err := db.exec(`DELETE FROM record_cids WHERE content = ?1 AND tail = ?2 AND path = ?3`, content, cidTail(c), path)
	if err != nil || db.Changes() > 0 {
		return err
	}
	return db.exec(`DELETE FROM fresh_cids WHERE content = ?1 AND path = ?2`, content, path)
}

// indexFreshCIDs moves the rows of fresh_cids to record_cids, once there are many.
func indexFreshCIDs(db *conn, content int64) error {
	n, err := one(db, scanInt, `SELECT count(*) FROM fresh_cids WHERE content = ?1`, content)
	if err != nil || n < maxFreshCIDs {
		return err
	}
	err = db.exec(`INSERT INTO record_cids (content, tail, path)
		SELECT content, tail, path FROM fresh_cids WHERE content = ?1 ORDER BY tail, path`, content)
	if err != nil {
		return err
	}
	return db.exec(`DELETE FROM fresh_cids WHERE content = ?1`, content)
}

// These find the records r of content ?1 by their CID ?2, whose tail is ?3: most are in record_cids.
const (
	recordByCID = `FROM record_cids c CROSS JOIN records r ON r.content = c.content AND r.path = c.path
	WHERE c.content = ?1 AND c.tail = ?3 AND r.cid = ?2`
	recordByFreshCID = `FROM fresh_cids c CROSS JOIN records r ON r.content = c.content AND r.path = c.path
	WHERE c.content = ?1 AND c.tail = ?3 AND r.cid = ?2`
)

// newestByCID selects rev and bytes of the newest record that has a CID. (In SQLite, bytes beside max
// come from the row that has the maximum. Without HAVING there would be a row of NULLs for no record.)
const newestByCID = `SELECT max(r.rev), r.bytes ` + recordByCID + ` HAVING count(*) > 0
	UNION ALL SELECT max(r.rev), r.bytes ` + recordByFreshCID + ` HAVING count(*) > 0`

// recordBlock returns a record of a content as a block, with the greatest rev if several have the CID.
func recordBlock(db *conn, content int64, c cid.Cid, scan func(*lite.Stmt) (storage.Block, error)) (storage.Block, error) {
	found, err := all(db, scan, newestByCID, content, c, cidTail(c))
	switch {
	case err != nil:
		return storage.Block{}, err
	case len(found) == 0:
		return storage.Block{}, storage.ErrNotFound
	}
	return slices.MaxFunc(found, func(a, b storage.Block) int { return cmp.Compare(a.Rev, b.Rev) }), nil
}

// cidTail is the part of a CID that record_cids has.
func cidTail(c cid.Cid) int64 {
	b := c.Bytes()
	if len(b) < 8 {
		b = append(make([]byte, 8), b...)
	}
	return int64(binary.BigEndian.Uint64(b[len(b)-8:]))
}
