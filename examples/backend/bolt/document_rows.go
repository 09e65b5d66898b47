package bolt

import (
	"bytes"
	"errors"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// documentRow is what is kept of a document, in front of its value. Kind and ID are in its key.
type documentRow struct {
	Owner               string
	IssuedAt, ExpiresAt time.Time
}

// document returns the document with a key. Error: [storage.ErrNotFound].
func (t tx) document(k []byte) (storage.Document, error) {
	b := t.get(documents, k)
	if b == nil {
		return storage.Document{}, storage.ErrNotFound
	}
	var row documentRow
	value, err := decode(b, &row)
	kind, id, _ := strings.Cut(string(k), "\x00")
	return storage.Document{
		Kind: kind, ID: id, Owner: syntax.DID(row.Owner), Value: value, IssuedAt: row.IssuedAt, ExpiresAt: row.ExpiresAt,
	}, err
}

// documentKeys yields the keys of the documents of a range.
func (t tx) documentKeys(r storage.DocumentRange) iter.Seq[[]byte] {
	return func(yield func(k []byte) bool) {
		bucket, prefix := documents, []byte(nil)
		if r.Owner != "" {
			bucket, prefix = documentsByOwner, begin(r.Owner.String())
		}
		owner := len(prefix)
		if r.Kind != "" {
			prefix = append(prefix, begin(r.Kind)...)
		}
		low := prefix
		if r.After != "" {
			low = key(prefix, r.After, "") // with a zero: the next key
		}
		n := 0
		for k := range t.scan(bucket, low, after(prefix)) {
			if n++; r.Limit > 0 && n > r.Limit || !yield(k[owner:]) {
				return
			}
		}
	}
}

// limit returns [storage.ErrLimit] if the owner of a new document has as many as it allows already.
func (t tx) limit(new storage.NewDocument) error {
	if new.Limit <= 0 {
		return nil
	}
	n, prefix := 0, begin(new.Owner.String(), new.Kind)
	for k := range t.prefixed(documentsByOwner, prefix) {
		d, err := t.document(key(new.Kind, k[len(prefix):]))
		if err != nil {
			return err
		}
		if expired(d, new.IssuedAt) {
			continue
		}
		if n++; n >= new.Limit {
			return storage.ErrLimit
		}
	}
	return nil
}

func (t tx) swapDocument(old, new storage.Document) error {
	now, err := t.document(key(old.Kind, old.ID))
	if err != nil {
		return err
	}
	if !bytes.Equal(now.Value, old.Value) {
		return storage.ErrConflict
	}
	return t.putDocument(new)
}

// putDocument puts a document in the place of the one with its kind and ID, if there is one.
func (t tx) putDocument(new storage.Document) error {
	k := key(new.Kind, new.ID)
	old, err := t.document(k)
	if err == nil {
		err = t.removeDocument(old)
	}
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	row, err := encode(documentRow{new.Owner.String(), new.IssuedAt.UTC(), new.ExpiresAt.UTC()}, new.Value)
	if err != nil {
		return err
	}
	errs := []error{t.put(documents, k, row), t.put(documentsByOwner, key(new.Owner.String(), k), nil)}
	if !new.ExpiresAt.IsZero() {
		errs = append(errs, t.put(documentsByExpiry, key(new.ExpiresAt, k), nil))
	}
	return errors.Join(errs...)
}

func (t tx) removeDocument(old storage.Document) error {
	k := key(old.Kind, old.ID)
	return errors.Join(
		t.delete(documents, k),
		t.delete(documentsByOwner, key(old.Owner.String(), k)),
		t.delete(documentsByExpiry, key(old.ExpiresAt, k)))
}

// deleteDocuments removes an account's documents whose keys begin with a prefix; nil for all. It
// keeps those without an owner.
func (t tx) deleteDocuments(owner syntax.DID, prefix []byte) error {
	if owner == "" {
		return nil
	}
	low := key(begin(owner.String()), prefix)
	_, err := t.removeDocuments(documentsByOwner, low, after(low), len(low)-len(prefix), math.MaxInt)
	return err
}

// removeDocuments removes up to limit documents whose keys in an index are from low to before high,
// and returns how many it removed. A document's own key follows the first skip bytes of such a key.
func (t tx) removeDocuments(index, low, high []byte, skip, limit int) (int, error) {
	var found [][]byte
	for k := range t.scan(index, low, high) {
		if len(found) >= limit {
			break
		}
		found = append(found, clone(k[skip:])) // the index changes below
	}
	for _, k := range found {
		d, err := t.document(k)
		if err != nil {
			return 0, err
		}
		if err := t.removeDocument(d); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}
