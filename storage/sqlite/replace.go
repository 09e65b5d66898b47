package sqlite

import (
	"context"
	"iter"

	"github.com/pdskit/pdskit/storage"
)

// Replace implements [storage.Repos]. It stages the rows as a new content, in chunks, and then makes it the repo's content in one small write.
func (s *Store) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	content, err := write(ctx, s.writer, func(db *conn) (int64, error) {
		if _, err := checkReplace(db, c); err != nil {
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
			s.discard(context.WithoutCancel(ctx), content)
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

// checkReplace checks guard and head, and returns the repo's content.
func checkReplace(db *conn, c storage.Commit) (content int64, err error) {
	if err := checkGuard(db, c.Head.DID, c.Guard); err != nil {
		return 0, err
	}
	return checkHead(db, c.Head.DID, c.Prev)
}

// swapContent makes a staged content that of its repo.
func swapContent(db *conn, c storage.Commit, staged int64) (int64, error) {
	old, err := checkReplace(db, c)
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

// discard makes a content garbage if it's still staged: an error of the swap may have come after the swap. Where that can't be
// written, as on a full disk, it's left to Maintain, or to the next Open.
func (s *Store) discard(ctx context.Context, content int64) {
	err := writeOnly(ctx, s.writer, func(db *conn) error {
		return db.exec(`UPDATE contents SET state = ?2 WHERE id = ?1 AND state = ?3`, content, contentGarbage, contentStaged)
	})
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.undiscarded = append(s.undiscarded, content)
	}
}
