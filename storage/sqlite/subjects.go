package sqlite

import (
	"github.com/pdskit/pdskit/repo/data"
	lite "zombiezen.com/go/sqlite"
)

func putSubject(db *conn, content int64, subject, path string) error {
	return db.exec(`INSERT OR IGNORE INTO subjects (content, subject, path) VALUES (?1, ?2, ?3)`, content, subject, path)
}

// orNull returns a record's subject as the column has it. (To bind NULL costs nothing.)
func orNull(subject string) any {
	if subject == "" {
		return nil
	}
	return subject
}

// moveSubject updates the table of subjects for a record that changes: it named old and names new,
// "" for none.
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

// indexSubjects computes the subjects of all records of a database of schema version 1. It fills
// the table of subjects last and in its order: insertions in the order of the records would write
// each of its pages many times.
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

// fillSubjects computes the subjects of the next records after a key, and returns the key of the
// last.
func fillSubjects(db *conn, after recordKey) (last recordKey, more bool, err error) {
	type named struct {
		recordKey
		subject string
	}
	page, err := all(db, func(r *lite.Stmt) (named, error) {
		n := named{recordKey: recordKey{r.ColumnInt64(0), r.ColumnText(1)}}
		n.subject = data.Subject(columnBytes(r, 2))
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
