package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/pdskit/pdskit/storage"
)

var (
	_ storage.Store      = (*Store)(nil)
	_ storage.Maintainer = (*Store)(nil)
	_ storage.Sizer      = (*Store)(nil)
)

// errClosed is what every method returns after Close.
var errClosed = fmt.Errorf("sqlite: store: %w", os.ErrClosed)

// Options are what Open can be told. The zero value opens a database that exists.
type Options struct {
	// Create says to make a new database if there is none. If zero, Open then returns an error that is an
	// [io/fs.ErrNotExist]: a wrong path must not look like a PDS without accounts.
	Create bool

	// Readers is how many connections are kept for reading, and how many single reads run at once. If zero, two for each of
	// the processors that Go uses, and 16 at most.
	Readers int

	// ReaderCache is the size of each reading connection's page cache in bytes. If zero, 2 MiB.
	ReaderCache int

	// WriterCache is the size of the writing connection's page cache in bytes. If zero, 8 MiB.
	WriterCache int

	// CheckpointSize is the size in bytes that the write-ahead log reaches before its content is copied into the
	// database. If zero, 8 MiB. The log may become a few times larger under load.
	CheckpointSize int
}

func (o Options) withDefaults() Options {
	o.Readers = cmp.Or(o.Readers, min(2*runtime.GOMAXPROCS(0), 16))
	o.ReaderCache = cmp.Or(o.ReaderCache, 2<<20)
	o.WriterCache = cmp.Or(o.WriterCache, 8<<20)
	o.CheckpointSize = cmp.Or(o.CheckpointSize, 8<<20)
	return o
}

// Store is a [storage.Store] in a SQLite file. It is made by [Open] or [OpenReadOnly], and is a [storage.Maintainer] too.
type Store struct {
	lock    *lock
	writer  *writer
	readers *pool
	cache   *accountCache
	bell    *bell

	mu          sync.Mutex
	undiscarded []int64 // contents that are staged, and were given up
}

// Open opens the database at path, migrates it if it is of an older version, and starts the goroutines that write and
// checkpoint it. Whoever opens closes. ctx is for opening only.
//
// It is an error if the database doesn't exist (but see Options.Create), is open already, here or in another process, was
// written by a newer version of this package, or isn't one of this package at all.
func Open(ctx context.Context, path string, o Options) (_ *Store, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	if path, err = filepath.Abs(path); err != nil { // connections are opened later too, wherever the process is then
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	if err := touch(path, o.Create); err != nil {
		return nil, err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil { // one lock, whatever name it's opened by
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	s := &Store{cache: newAccountCache(), bell: newBell()}
	if s.lock, err = acquire(path); err != nil {
		return nil, err
	}
	db, err := openWriter(path, o.WriterCache, o.CheckpointSize)
	if err != nil {
		return nil, errors.Join(err, s.lock.release())
	}
	if err := prepare(db, o.Create); err != nil {
		return nil, errors.Join(fmt.Errorf("%w (in %s)", err, path), db.Close(), s.lock.release())
	}
	db.accounts = s.cache
	checkpoints, err := openWriter(path, 0, o.CheckpointSize)
	if err != nil {
		return nil, errors.Join(err, db.Close(), s.lock.release())
	}
	s.readers = newPool(path, o.Readers, o.ReaderCache)
	s.writer = newWriter(db, newCheckpointer(checkpoints, o.CheckpointSize), s.bell)
	return s, nil
}

// Close waits for everything under way, calls, loops and snapshots, and closes the database; it isn't called from
// within one of them. Calls of WaitEvents end at once. They and calls that come later return an error that is an
// [os.ErrClosed]. A Replace that has got no further than staging fails.
func (s *Store) Close() error {
	s.bell.close()
	if s.readOnly() {
		return s.readers.close()
	}
	err := s.writer.close()
	if errors.Is(err, os.ErrClosed) {
		return err
	}
	s.cache.close()
	return errors.Join(err, s.readers.close(), s.writer.db.Close(), s.lock.release())
}

func (s *Store) readOnly() bool { return s.lock == nil }

// Counters are measurements since Open.
type Counters struct {
	Writes       int64 // calls that have written
	Transactions int64 // transactions that carried them: one flush of the disk each
	Checkpoints  int64 // copies of the write-ahead log into the database
}

// Counters returns the measurements so far.
func (s *Store) Counters() Counters {
	return Counters{
		Writes:       s.writer.writes.Load(),
		Transactions: s.writer.transactions.Load(),
		Checkpoints:  s.writer.checkpointer.count.Load(),
	}
}

// touch sees to a file at path, and makes it one that only its owner can read. It doesn't open a file that is there:
// when a process closes a file, the system takes away all locks that it has on it, and with them the store's that has the
// file open in this process.
func touch(path string, create bool) error {
	_, err := os.Stat(path)
	if create && errors.Is(err, fs.ErrNotExist) {
		var f *os.File
		if f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("sqlite: open: %w", err)
	}
	return nil
}

// prepare brings a database to the version of this package.
func prepare(db *conn, create bool) error {
	version, err := schemaVersion(db)
	switch {
	case err != nil:
		return err
	case version == 0 && !create:
		return errors.New("sqlite: open: the file is empty, and Options.Create isn't set")
	}
	if err := migrate(db, migrations()); err != nil {
		return err
	}
	return db.exec(`UPDATE contents SET state = ?1 WHERE state <> 0 AND state = ?2`, contentGarbage, contentStaged)
}
