package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrReadOnly is what every method that writes returns of a store that is open for reading only.
var ErrReadOnly = errors.New("sqlite: the store is open for reading only")

// OpenReadOnly opens the database at path for reading, also while this or another process has it open: for backups and
// other tools. What that process writes, later reads see, and WaitEvents notices events within a fifth
// of a second. Of the options, those about writing have no effect. ctx is for opening only.
//
// It is an error if the database doesn't exist, or has another version than this package writes.
func OpenReadOnly(ctx context.Context, path string, o Options) (_ *Store, err error) {
	o = o.withDefaults()
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	s := &Store{cache: &accountCache{}, bell: newBell(), writer: &writer{refusal: ErrReadOnly, closed: true, checkpointer: &checkpointer{}}}
	s.readers = newPool(path, o.Readers, o.ReaderCache)
	version, err := read(ctx, s.readers, schemaVersion)
	switch known := len(migrations()); {
	case err != nil:
	case version < known:
		err = fmt.Errorf("sqlite: open: the database has schema version %d, and this program reads version %d: "+
			"open it for writing once with this program, which migrates it", version, known)
	case version > known:
		err = fmt.Errorf("sqlite: open: the database has schema version %d, and this program reads version %d: "+
			"use a newer program", version, known)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w (in %s)", err, path), s.readers.close())
	}
	return s, nil
}
