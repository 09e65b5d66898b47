package sqlite

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"

	lite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// applicationID marks a database as one of this package ("pdsk").
const applicationID = 0x7064736b

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration leads from one version of the schema to the next.
type migration struct {
	script string
	finish func(*conn) error // runs after the script, for what SQL can't do; nil for nothing
}

// migrations returns the steps from an empty database to the newest version; the first makes version
// 1. A step that has been released is never changed.
func migrations() []migration {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // in lexical order
	if err != nil {
		panic(err)
	}
	steps := make([]migration, len(names))
	for i, name := range names {
		b, err := migrationFiles.ReadFile(name)
		if err != nil {
			panic(err)
		}
		steps[i].script = string(b)
	}
	steps[1].finish = indexSubjects
	return steps
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

// migrate applies the migrations that the database hasn't seen, each in a transaction of its own.
func migrate(db *conn, steps []migration) error {
	version, err := schemaVersion(db)
	if err != nil {
		return err
	}
	if version > len(steps) {
		return fmt.Errorf("sqlite: open: the database has schema version %d, this program knows versions up to %d: use a newer program",
			version, len(steps))
	}
	if version == len(steps) {
		return nil
	}
	// Migrations sort whole tables. In memory this would take as much as the tables have.
	if err := db.run(`PRAGMA temp_store = file`); err != nil {
		return err
	}
	for ; version < len(steps); version++ {
		if err := steps[version].apply(db, version+1); err != nil {
			return fmt.Errorf("sqlite: migrate to version %d: %w", version+1, err)
		}
	}
	return db.run(`PRAGMA temp_store = memory`)
}

// apply runs the migration in a transaction, together with setting the version: a process that is
// killed leaves the version before.
func (m migration) apply(db *conn, version int) (err error) {
	if err := db.run(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	defer func() {
		if err != nil && !db.AutocommitEnabled() {
			err = errors.Join(err, db.run(`ROLLBACK`))
		}
	}()
	script := fmt.Sprintf("%s;\nPRAGMA user_version = %d; PRAGMA application_id = %d;", m.script, version, applicationID)
	if err := sqlitex.ExecuteScript(db.Conn, script, nil); err != nil {
		return err
	}
	if m.finish != nil {
		if err := m.finish(db); err != nil {
			return err
		}
	}
	return db.run(`COMMIT`)
}

func scanInt(r *lite.Stmt) (int64, error) { return r.ColumnInt64(0), nil }
