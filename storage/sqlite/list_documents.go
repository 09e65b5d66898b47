package sqlite

import (
	"context"
	"iter"

	"github.com/pdskit/pdskit/storage"
)

// The ends of queries for documents: of an owner, of an owner and a kind, of a kind.
const (
	documentsOfOwner = `FROM documents INDEXED BY documents_by_owner WHERE owner = ?1 AND owner <> '' `
	documentsOfBoth  = documentsOfOwner + `AND kind = ?2 AND id > ?3 `
	documentsOfKind  = `FROM documents WHERE kind = ?1 AND id > ?2 `
)

// ListDocuments implements [storage.Documents].
func (s *Store) ListDocuments(ctx context.Context, r storage.DocumentRange) iter.Seq2[storage.Document, error] {
	return list(ctx, s.readers, func(db *conn) iter.Seq2[storage.Document, error] {
		if err := r.Validate(); err != nil {
			return failed[storage.Document](err)
		}
		from, args := documentsIn(r)
		return each(ctx, db, scanDocument, `SELECT `+documentColumns+` `+from, args...)
	})
}

// CountDocuments implements [storage.Documents].
func (s *Store) CountDocuments(ctx context.Context, r storage.DocumentRange) (int64, error) {
	if err := r.Validate(); err != nil {
		return 0, err
	}
	from, args := documentsIn(r)
	return read(ctx, s.readers, func(db *conn) (int64, error) {
		return one(db, scanInt, `SELECT count(*) FROM (SELECT 1 `+from+`)`, args...)
	})
}

// documentsIn returns the end of a query for the documents of a range that is valid, from FROM on,
// and its arguments.
func documentsIn(r storage.DocumentRange) (from string, args []any) {
	limit := r.Limit
	if limit <= 0 {
		limit = -1 // none
	}
	switch {
	case r.Owner != "" && r.Kind != "":
		return documentsOfBoth + `ORDER BY id LIMIT ?4`, []any{r.Owner, r.Kind, r.After, limit}
	case r.Owner != "":
		return documentsOfOwner + `ORDER BY kind, id LIMIT ?2`, []any{r.Owner, limit}
	}
	return documentsOfKind + `ORDER BY id LIMIT ?3`, []any{r.Kind, r.After, limit}
}

// countUnexpired counts the documents of d's kind and owner that hadn't expired when d was issued.
// It stops at limit.
func countUnexpired(db *conn, d storage.Document, limit int) (int64, error) {
	const unexpired = `AND (expires = -62135596800000000 OR expires > `
	if d.Owner == "" {
		return one(db, scanInt, `SELECT count(*) FROM (SELECT 1 FROM documents WHERE kind = ?1 AND owner = ''
			`+unexpired+`?2) LIMIT ?3)`, d.Kind, d.IssuedAt, limit)
	}
	return one(db, scanInt, `SELECT count(*) FROM (SELECT 1 `+documentsOfOwner+`AND kind = ?2
		`+unexpired+`?3) LIMIT ?4)`, d.Owner, d.Kind, d.IssuedAt, limit)
}
