package sqlite

// The states of a content, as in the table's column.
const (
	contentLive    = 0
	contentStaged  = 1
	contentGarbage = 2
)

// newContent returns the number of a new content, which was never given before.
func newContent(db *conn, state int) (int64, error) {
	err := db.exec(`INSERT INTO contents (state) VALUES (?1)`, state)
	return db.LastInsertRowID(), err
}

func setContentState(db *conn, content int64, state int) error {
	return db.exec(`UPDATE contents SET state = ?2 WHERE id = ?1`, content, state)
}
