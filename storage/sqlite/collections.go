package sqlite

import (
	"context"
	"iter"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// selectByCollection finds the repos by the collections of all contents, and leaves out the contents that aren't, or
// aren't yet, or are no longer, the repo's.
const selectByCollection = `SELECT c.did FROM collections c CROSS JOIN repos r ON r.did = c.did AND r.content = c.content
	WHERE c.name = ?1 AND c.did > ?2 ORDER BY c.did LIMIT ?3`

// ListByCollection implements [storage.Repos].
func (s *Store) ListByCollection(
	ctx context.Context, collection syntax.NSID, after syntax.DID, limit int,
) iter.Seq2[syntax.DID, error] {
	return list(ctx, s.readers, func(db *conn) iter.Seq2[syntax.DID, error] {
		return each(ctx, db, scanDID, selectByCollection, collection, after, max(limit, 0))
	})
}

func (r reader) Collections(_ context.Context, did syntax.DID) ([]syntax.NSID, error) {
	return all(r.db, scanNSID, `SELECT name FROM collections WHERE content = `+contentOf+` ORDER BY name`, did)
}

// putCollection notes that a content has a record of a collection.
func putCollection(db *conn, content int64, name syntax.NSID, did syntax.DID) error {
	return db.exec(`INSERT OR IGNORE INTO collections (content, name, did) VALUES (?1, ?2, ?3)`, content, name, did)
}

// dropCollection notes that a content has a record less of a collection, perhaps its last one.
func dropCollection(db *conn, content int64, name syntax.NSID) error {
	from, to := bounds(storage.RecordRange{Collection: name})
	return db.exec(`DELETE FROM collections WHERE content = ?1 AND name = ?2
		AND NOT EXISTS (SELECT 1 FROM records WHERE content = ?1 AND path >= ?3 AND path < ?4)`, content, name, from, to)
}

func collectionOf(path string) syntax.NSID {
	collection, _, _ := strings.Cut(path, "/")
	return syntax.NSID(collection)
}

func scanDID(r *lite.Stmt) (syntax.DID, error) { return syntax.DID(r.ColumnText(0)), nil }

func scanNSID(r *lite.Stmt) (syntax.NSID, error) { return syntax.NSID(r.ColumnText(0)), nil }
