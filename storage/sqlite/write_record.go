package sqlite

import (
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// writeRecords puts or deletes records of a content that gets a head, and keeps record_cids,
// fresh_cids, subjects, collections and record_takedowns true. It returns those writes that weren't the first to their path.
func writeRecords(
	db *conn, content int64, writes []storage.RecordWrite, head storage.Head,
) (changed []storage.RecordWrite, err error) {
	var noted syntax.NSID // the collection of a record that has been created
	bulk := len(writes) >= bulkRecords
	for _, w := range writes {
		created, err := createRecord(db, content, w, head.Rev, bulk)
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
	if bulk {
		return changed, indexFreshCIDs(db, content)
	}
	return changed, nil
}

// createRecord reports whether it has put a record, because there was none at its path. In bulk, the record's CID is left to
// indexFreshCIDs.
func createRecord(db *conn, content int64, w storage.RecordWrite, rev syntax.TID, bulk bool) (bool, error) {
	if !w.CID.Defined() {
		return false, nil
	}
	err := db.exec(`INSERT INTO records (content, path, cid, rev, bytes, subject) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (content, path) DO NOTHING`, content, w.Path, w.CID, rev, w.Bytes, orNull(w.Subject))
	if err != nil || db.Changes() == 0 {
		return false, err
	}
	if w.Subject != "" {
		if err := putSubject(db, content, w.Subject, w.Path); err != nil {
			return true, err
		}
	}
	if bulk {
		return true, putFreshCID(db, content, w.CID, w.Path)
	}
	return true, putRecordCID(db, content, w.CID, w.Path)
}

// changeRecord replaces or deletes a record, if there is one.
func changeRecord(db *conn, content int64, w storage.RecordWrite, head storage.Head) error {
	if !w.CID.Defined() {
		w.Subject = ""
	}
	old, err := one(db, scanOldRecord, `SELECT cid, subject FROM records WHERE content = ?1 AND path = ?2`, content, w.Path)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if old.CID.Defined() && old.CID != w.CID {
		if err := dropRecordCID(db, content, old.CID, w.Path); err != nil {
			return err
		}
	}
	if err := moveSubject(db, content, w.Path, old.Subject, w.Subject); err != nil {
		return err
	}
	if w.CID.Defined() {
		if err := putRecord(db, content, w, head.Rev); err != nil || old.CID == w.CID {
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
	return db.exec(`INSERT OR REPLACE INTO records (content, path, cid, rev, bytes, subject) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
		content, w.Path, w.CID, rev, w.Bytes, orNull(w.Subject))
}

// scanOldRecord reads what changeRecord has to know about the record before the change.
func scanOldRecord(r *lite.Stmt) (old storage.RecordWrite, err error) {
	old.CID, err = columnCID(r, 0)
	old.Subject = r.ColumnText(1)
	return old, err
}
