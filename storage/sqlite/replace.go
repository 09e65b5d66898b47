package sqlite

import (
	"context"
	"iter"

	"github.com/pdskit/pdskit/storage"
)

// Replace implements [storage.Repos]. It stages the rows as a new content, in chunks, and then makes it the repo's content in one small write.
func (s *Store) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	content, err := write(ctx, s.writer, func(db *conn) (int64, error) {
		if _, err := checkHead(db, c.Head.DID, c.Prev); err != nil {
			return 0, err
		}
		return newContent(db, contentStaged)
	})
	if err != nil {
		return 0, err
	}
	swapped := false
	defer func() {
		if !swapped { // an error, or a panic of rows
			discard := func(db *conn) error { return discardStaged(db, content) }
			writeOnly(context.WithoutCancel(ctx), s.writer, discard) // if this fails too, the next Open does it
		}
	}()
	st := stager{writer: s.writer, content: content, head: c.Head}
	if err := st.stage(ctx, rows); err != nil {
		return 0, err
	}
	seq, err := write(ctx, s.writer, func(db *conn) (int64, error) { return swapContent(db, c, content) })
	swapped = err == nil
	return seq, err
}

// swapContent makes a staged content that of its repo.
func swapContent(db *conn, c storage.Commit, staged int64) (int64, error) {
	old, err := checkHead(db, c.Head.DID, c.Prev)
	if err != nil {
		return 0, err
	}
	if err := setContentState(db, staged, contentLive); err != nil {
		return 0, err
	}
	if err := setContentState(db, old, contentGarbage); err != nil { // there's no content 0
		return 0, err
	}
	if err := swapBlobRefs(db, c.Head.DID, staged); err != nil {
		return 0, err
	}
	if err := db.exec(dropStaleTakedowns, c.Head.DID, staged); err != nil {
		return 0, err
	}
	if err := putHead(db, c.Head, staged); err != nil {
		return 0, err
	}
	return appendEvents(db, c.Events)
}

// discardStaged makes a content garbage if it's still staged: an error of the swap may have come after the swap.
func discardStaged(db *conn, content int64) error {
	return db.exec(`UPDATE contents SET state = ?2 WHERE id = ?1 AND state = ?3`, content, contentGarbage, contentStaged)
}
