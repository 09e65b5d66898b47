package sqlite

import "context"

// Size implements [storage.Sizer]. It counts the database's pages, but for those that are free to be
// used again.
func (s *Store) Size(ctx context.Context) (int64, error) {
	return read(ctx, s.readers, func(db *conn) (size int64, err error) {
		err = snapshot(db, func() error {
			pages, err := one(db, scanInt, `PRAGMA page_count`)
			if err != nil {
				return err
			}
			free, err := one(db, scanInt, `PRAGMA freelist_count`)
			size = (pages - free) * pageSize
			return err
		})
		return size, err
	})
}
