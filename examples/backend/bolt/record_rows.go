package bolt

import (
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// recordRow is what is kept of a record, in front of its bytes.
type recordRow struct {
	CID     cid.Cid
	Rev     string
	Blobs   []cid.Cid
	Subject []byte // its hash; nil if there is none
}

// newRow returns the row of a record that is written.
func newRow(w storage.RecordWrite, rev syntax.TID) recordRow {
	row := recordRow{CID: w.CID, Rev: rev.String(), Blobs: w.Blobs}
	if w.Subject != "" {
		row.Subject = hashSubject(w.Subject)
	}
	return row
}

// record returns the record whose row is stored, which is nil if there is none. Error:
// [storage.ErrNotFound].
func (t tx) record(did syntax.DID, path string, stored []byte) (storage.Record, error) {
	if stored == nil {
		return storage.Record{}, storage.ErrNotFound
	}
	var row recordRow
	body, err := decode(stored, &row)
	return storage.Record{
		Path: path, CID: row.CID, Rev: syntax.TID(row.Rev), Bytes: body,
		TakedownRef: string(t.get(recordTakedowns, key(did.String(), path))),
	}, err
}

// row returns the row at a path, and the record's bytes. Error: [storage.ErrNotFound].
func (t tx) row(g generation, path string) (row recordRow, body []byte, err error) {
	b := t.get(records, key(g, path))
	if b == nil {
		return row, nil, storage.ErrNotFound
	}
	body, err = decode(b, &row)
	return row, body, err
}

// newestRow is like row. Of the records with a CID it returns the one with the greatest rev.
func (t tx) newestRow(g generation, c cid.Cid) (recordRow, []byte, error) {
	prefix := key(g, c.Bytes())
	for k := range t.scanBack(recordCIDs, prefix, after(prefix)) {
		return t.row(g, last(k))
	}
	return recordRow{}, nil, storage.ErrNotFound
}

// putRow puts a record in the place of the one at its path, and adds the blobs that either refers to
// to touched.
func (t tx) putRow(g generation, path string, new recordRow, body []byte, touched map[cid.Cid]bool) error {
	if err := t.removeRow(g, path, touched); err != nil {
		return err
	}
	row, err := encode(new, body)
	if err != nil {
		return err
	}
	errs := []error{
		t.put(records, key(g, path), row),
		t.put(recordCIDs, key(g, new.CID.Bytes(), new.Rev, path), nil),
	}
	if new.Subject != nil {
		errs = append(errs, t.put(subjects, key(g, new.Subject, path), nil))
	}
	for _, blob := range new.Blobs {
		touched[blob] = true
		errs = append(errs, t.put(refs, key(g, blob.String(), path), []byte(new.Rev)))
	}
	return errors.Join(errs...)
}

// removeRow removes the record at a path, if there is one, and adds the blobs that it refers to to
// touched.
func (t tx) removeRow(g generation, path string, touched map[cid.Cid]bool) error {
	old, _, err := t.row(g, path)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	errs := []error{
		t.delete(records, key(g, path)),
		t.delete(recordCIDs, key(g, old.CID.Bytes(), old.Rev, path)),
	}
	if old.Subject != nil {
		errs = append(errs, t.delete(subjects, key(g, old.Subject, path)))
	}
	for _, blob := range old.Blobs {
		touched[blob] = true
		errs = append(errs, t.delete(refs, key(g, blob.String(), path)))
	}
	return errors.Join(errs...)
}
