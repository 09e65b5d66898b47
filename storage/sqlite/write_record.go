package sqlite

import (
	"encoding/binary"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// writeRecords puts or deletes records of a content that gets a head, and keeps record_cids, collections and
// record_takedowns true. It returns those writes that weren't the first to their path.
func writeRecords(
	db *conn, content int64, writes []storage.RecordWrite, head storage.Head,
) (changed []storage.RecordWrite, err error) {
	var noted syntax.NSID // the collection of a record that has been created
	for _, w := range writes {
		created, err := createRecord(db, content, w, head.Rev)
		if err != nil {
			return nil, err
		}
		if !created {
			changed = append(changed, w)
			if err := changeRecord(db, content, w, head); err != nil {
				return nil, err
			}
			continue
		}
		if c := collectionOf(w.Path); c != noted {
			noted = c
			if err := putCollection(db, content, c, head.DID); err != nil {
				return nil, err
			}
		}
	}
	return changed, nil
}

// createRecord reports whether it has put a record, because there was none at its path.
func createRecord(db *conn, content int64, w storage.RecordWrite, rev syntax.TID) (bool, error) {
	if !w.CID.Defined() {
		return false, nil
	}
	err := db.exec(`INSERT INTO records (content, path, cid, rev, bytes) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (content, path) DO NOTHING`, content, w.Path, w.CID, rev, w.Bytes)
	if err != nil || db.Changes() == 0 {
		return false, err
	}
	return true, putRecordCID(db, content, w.CID, w.Path)
}

// changeRecord replaces or deletes a record, if there is one.
func changeRecord(db *conn, content int64, w storage.RecordWrite, head storage.Head) error {
	old, err := one(db, func(r *lite.Stmt) (cid.Cid, error) { return columnCID(r, 0) },
		`SELECT cid FROM records WHERE content = ?1 AND path = ?2`, content, w.Path)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if old.Defined() && old != w.CID {
		err := db.exec(`DELETE FROM record_cids WHERE content = ?1 AND tail = ?2 AND path = ?3`, content, cidTail(old), w.Path)
		if err != nil {
			return err
		}
	}
	if w.CID.Defined() {
		if err := putRecord(db, content, w, head.Rev); err != nil {
			return err
		}
		return putRecordCID(db, content, w.CID, w.Path)
	}
	if err := db.exec(`DELETE FROM records WHERE content = ?1 AND path = ?2`, content, w.Path); err != nil {
		return err
	}
	if err := dropRecordTakedown(db, head.DID, w.Path); err != nil {
		return err
	}
	return dropCollection(db, content, collectionOf(w.Path))
}

func putRecord(db *conn, content int64, w storage.RecordWrite, rev syntax.TID) error {
	return db.exec(`INSERT OR REPLACE INTO records (content, path, cid, rev, bytes) VALUES (?1, ?2, ?3, ?4, ?5)`,
		content, w.Path, w.CID, rev, w.Bytes)
}

func putRecordCID(db *conn, content int64, c cid.Cid, path string) error {
	return db.exec(`INSERT OR IGNORE INTO record_cids (content, tail, path) VALUES (?1, ?2, ?3)`, content, cidTail(c), path)
}

// recordByCID finds a record r of content ?1 by its CID ?2, whose tail is ?3.
const recordByCID = `FROM record_cids c CROSS JOIN records r ON r.content = c.content AND r.path = c.path
	WHERE c.content = ?1 AND c.tail = ?3 AND r.cid = ?2 LIMIT 1`

// cidTail is the part of a CID that record_cids has.
func cidTail(c cid.Cid) int64 {
	b := c.Bytes()
	if len(b) < 8 {
		b = append(make([]byte, 8), b...)
	}
	return int64(binary.BigEndian.Uint64(b[len(b)-8:]))
}
