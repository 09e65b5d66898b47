package sqlite

import (
	"embed"
	"fmt"
	"io/fs"

	lite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// applicationID marks a database as one of this package ("pdsk").
const applicationID = 0x7064736b

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations returns the scripts that lead from an empty database to the newest version; the first makes version 1. A
// script that has been released is never changed.
func migrations() []string {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // in lexical order
	if err != nil {
		panic(err)
	}
	scripts := make([]string, len(names))
	for i, name := range names {
		b, err := migrationFiles.ReadFile(name)
		if err != nil {
			panic(err)
		}
		scripts[i] = string(b)
	}
	return scripts
}

// schemaVersion returns a database's version, 0 for an empty one. It is an error if the database is another
// application's.
func schemaVersion(db *conn) (int, error) {
	version, err := one(db, scanInt, `PRAGMA user_version`)
	if err != nil {
		return 0, err
	}
	app, err := one(db, scanInt, `PRAGMA application_id`)
	if err != nil {
		return 0, err
	}
	tables, err := one(db, scanInt, `SELECT count(*) FROM sqlite_schema`)
	if err != nil {
		return 0, err
	}
	if app != applicationID && (app != 0 || version != 0 || tables != 0) {
		return 0, fmt.Errorf("sqlite: open: the database of another application")
	}
	return int(version), nil
}

// migrate applies those of the scripts that the database hasn't seen, each in a transaction of its own together with the
// version it leads to.
func migrate(db *conn, scripts []string) error {
	version, err := schemaVersion(db)
	if err != nil {
		return err
	}
	if version > len(scripts) {
		return fmt.Errorf("sqlite: open: the database has schema version %d, this program knows versions up to %d: use a newer program",
			version, len(scripts))
	}
	for ; version < len(scripts); version++ {
		script := fmt.Sprintf("%s;\nPRAGMA user_version = %d; PRAGMA application_id = %d;", scripts[version], version+1, applicationID)
		if err := sqlitex.ExecuteScript(db.Conn, script, nil); err != nil {
			return fmt.Errorf("sqlite: migrate to version %d: %w", version+1, err)
		}
	}
	return nil
}

func scanInt(r *lite.Stmt) (int64, error) { return r.ColumnInt64(0), nil }
