package sqlite

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// DeleteAccount implements [storage.Accounts].
func (s *Store) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	defer s.cache.change(did)()
	return write(ctx, s.writer, func(db *conn) (int64, error) { return deleteAccount(db, did, events) })
}

func deleteAccount(db *conn, did syntax.DID, events []storage.Event) (int64, error) {
	there, err := exists(db, `SELECT 1 FROM accounts WHERE did = ?1`, did)
	if err != nil || !there {
		return 0, err
	}
	for _, sql := range []string{
		`DELETE FROM accounts WHERE did = ?1`,
		`UPDATE contents SET state = 2 WHERE id = (SELECT content FROM repos WHERE did = ?1)`,
		`DELETE FROM repos WHERE did = ?1`,
		`DELETE FROM record_takedowns WHERE did = ?1`,
		`DELETE FROM documents INDEXED BY documents_by_owner WHERE owner = ?1 AND owner <> ''`,
		`UPDATE blobs SET state = 3, takedown = '' WHERE did = ?1 AND state <> 3`, // claimed, so that nobody finds or uses them
		`DELETE FROM events WHERE did = ?1`,
	} {
		if err := db.exec(sql, did); err != nil {
			return 0, err
		}
	}
	return appendEvents(db, events)
}
