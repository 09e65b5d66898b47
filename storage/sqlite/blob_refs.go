package sqlite

import (
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// checkBlobs tells whether the account has all blobs that the records refer to.
func checkBlobs(db *conn, did syntax.DID, writes []storage.RecordWrite) error {
	for _, w := range writes {
		for _, b := range w.Blobs {
			there, err := exists(db, `SELECT 1 FROM blobs WHERE did = ?1 AND cid = ?2 AND state <> 3`, did, b.String())
			if err != nil {
				return err
			}
			if !there {
				return fmt.Errorf("sqlite: blob %s of %s: %w", b, w.Path, storage.ErrNotFound)
			}
		}
	}
	return nil
}

// moveBlobRefs takes away the references of the records that were at the paths of changed, adds those of the records that
// are written, and updates the blobs concerned.
func moveBlobRefs(db *conn, head storage.Head, content int64, changed, writes []storage.RecordWrite) error {
	var lost []cid.Cid
	for _, w := range changed {
		refs, err := all(db, scanCIDText, `SELECT cid FROM blob_refs WHERE content = ?1 AND path = ?2`, content, w.Path)
		if err != nil {
			return err
		}
		if len(refs) == 0 {
			continue
		}
		lost = append(lost, refs...)
		if err := db.exec(`DELETE FROM blob_refs WHERE content = ?1 AND path = ?2`, content, w.Path); err != nil {
			return err
		}
	}
	for _, w := range writes {
		if !w.CID.Defined() {
			continue
		}
		if err := putBlobRefs(db, content, w.Path, w.Blobs, head.Rev); err != nil {
			return err
		}
		for _, b := range w.Blobs {
			err := db.exec(`UPDATE blobs SET state = 1 WHERE did = ?1 AND cid = ?2 AND state IN (0, 2)`, head.DID, b.String())
			if err != nil {
				return err
			}
		}
	}
	for _, b := range lost {
		err := db.exec(`UPDATE blobs SET state = 2 WHERE did = ?1 AND cid = ?2 AND state = 1
			AND NOT EXISTS (SELECT 1 FROM blob_refs WHERE content = ?3 AND cid = ?2)`, head.DID, b.String(), content)
		if err != nil {
			return err
		}
	}
	return nil
}

func putBlobRefs(db *conn, content int64, path string, blobs []cid.Cid, rev syntax.TID) error {
	var errs []error
	for _, b := range blobs {
		errs = append(errs, db.exec(`INSERT OR IGNORE INTO blob_refs (content, cid, path, rev) VALUES (?1, ?2, ?3, ?4)`,
			content, b.String(), path, rev))
	}
	return errors.Join(errs...)
}

// swapBlobRefs updates all blobs of an account whose repo gets another content.
func swapBlobRefs(db *conn, did syntax.DID, content int64) error {
	err := db.exec(`UPDATE blobs SET state = 1 WHERE did = ?1 AND state IN (0, 2)
		AND EXISTS (SELECT 1 FROM blob_refs r WHERE r.content = ?2 AND r.cid = blobs.cid)`, did, content)
	if err != nil {
		return err
	}
	return db.exec(`UPDATE blobs SET state = 2 WHERE did = ?1 AND state = 1
		AND NOT EXISTS (SELECT 1 FROM blob_refs r WHERE r.content = ?2 AND r.cid = blobs.cid)`, did, content)
}
