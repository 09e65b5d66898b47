package sqlite

import (
	lite "zombiezen.com/go/sqlite"
)

func putSubject(db *conn, content int64, subject, path string) error {
	return db.exec(`INSERT OR IGNORE INTO subjects (content, subject, path) VALUES (?1, ?2, ?3)`, content, subject, path)
}

// orNull is a record's subject as in the table's column.
func orNull(subject string) any {
	if subject == "" {
		return nil
	}
	return subject
}

// moveSubject notes that the record at a path names another subject than before; "" for none.
func moveSubject(db *conn, content int64, path, old, new string) error {
	if old == new {
		return nil
	}
	if old != "" {
		err := db.exec(`DELETE FROM subjects WHERE content = ?1 AND subject = ?2 AND path = ?3`, content, old, path)
		if err != nil {
			return err
		}
	}
	if new == "" {
		return nil
	}
	return putSubject(db, content, new, path)
}

// subjectPage is how many records indexSubjects reads at once.
const subjectPage = 200

// indexSubjects finds out the subjects of the records of a database that was written without them. It fills the table of
// subjects last, in its order, which takes much less time than one insertion for each record.
func indexSubjects(db *conn) error {
	var at recordKey
	for more := true; more; {
		var err error
		if at, more, err = fillSubjects(db, at); err != nil {
			return err
		}
	}
	return db.exec(`INSERT INTO subjects (content, subject, path)
		SELECT content, subject, path FROM records WHERE subject IS NOT NULL ORDER BY content, subject, path`)
}

type recordKey struct {
	content int64
	path    string
}

// fillSubjects finds out the subjects of some records, from those that follow after, and returns the last of them.
func fillSubjects(db *conn, after recordKey) (last recordKey, more bool, err error) {
	type named struct {
		recordKey
		subject string
	}
	page, err := all(db, func(r *lite.Stmt) (named, error) {
		n := named{recordKey: recordKey{r.ColumnInt64(0), r.ColumnText(1)}}
		n.subject = recordSubject(columnBytes(r, 2))
		return n, nil
	}, `SELECT content, path, bytes FROM records WHERE (content, path) > (?1, ?2) ORDER BY content, path LIMIT ?3`,
		after.content, after.path, subjectPage)
	if err != nil || len(page) == 0 {
		return after, false, err
	}
	for _, n := range page {
		if n.subject == "" {
			continue
		}
		err := db.exec(`UPDATE records SET subject = ?3 WHERE content = ?1 AND path = ?2`, n.content, n.path, n.subject)
		if err != nil {
			return after, false, err
		}
	}
	return page[len(page)-1].recordKey, true, nil
}
