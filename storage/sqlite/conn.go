package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// pageSize is the database's, in bytes. Commits write 40 % fewer pages than with 4096, and large trees are flatter.
const pageSize = 8192

// busyTimeout is how long a connection waits for a lock. Only another program, such as sqlite3, can hold one.
const busyTimeout = 5 * time.Second

// conn is a connection that keeps the statements it has prepared.
type conn struct {
	*lite.Conn

	// mu is held while a statement binds, steps or is read, and never while anyone else's code runs. It's needed only in
	// a snapshot, where several goroutines may share the connection.
	mu sync.Mutex

	idle map[string][]*lite.Stmt // by their text: prepared and not in use

	writes   int   // how many statements that write have run
	appended int64 // the newest event of the writer's transaction, 0 if there is none

	accounts *accountCache // of the store; of the connection that writes only
}

// openConn opens a connection to an existing database.
func openConn(path string, mode lite.OpenFlags, cache int, pragmas ...string) (*conn, error) {
	c, err := lite.OpenConn(path, mode)
	if err != nil {
		return nil, err
	}
	c.SetBusyTimeout(busyTimeout)
	pragmas = append(pragmas, fmt.Sprintf("cache_size = -%d", cache/1024), "temp_store = memory", "mmap_size = 0")
	for _, p := range pragmas {
		if err := run(c, "PRAGMA "+p); err != nil {
			return nil, errors.Join(fmt.Errorf("sqlite: open: %s: %w", p, err), c.Close())
		}
	}
	return &conn{Conn: c, idle: make(map[string][]*lite.Stmt)}, nil
}

// openWriter opens a connection that writes durably: every commit flushes the log to the disk itself, not just to the disk's
// own cache (fullfsync is for macOS). It leaves checkpoints to the [checkpointer].
func openWriter(path string, cache, walSize int) (*conn, error) {
	return openConn(path, lite.OpenReadWrite, cache,
		fmt.Sprintf("page_size = %d", pageSize), "journal_mode = wal", "synchronous = full", "fullfsync = 1", "checkpoint_fullfsync = 1",
		"wal_autocheckpoint = 0", fmt.Sprintf("journal_size_limit = %d", 4*walSize))
}

// Close closes the connection and its statements.
func (c *conn) Close() error {
	for _, idle := range c.idle {
		for _, s := range idle {
			s.Finalize()
		}
	}
	return c.Conn.Close()
}

// take returns a statement that nobody else uses, not even a loop further up on the same goroutine, with its arguments bound.
// It goes back with put.
func (c *conn) take(sql string, args []any) (s *lite.Stmt, err error) {
	if idle := c.idle[sql]; len(idle) > 0 {
		s, c.idle[sql] = idle[len(idle)-1], idle[:len(idle)-1]
	} else if s, _, err = c.PrepareTransient(sql); err != nil {
		return nil, err
	}
	for i, a := range args {
		bind(s, i+1, a)
	}
	return s, nil
}

func (c *conn) put(sql string, s *lite.Stmt) {
	s.Reset() // its error is that of the last step, which has been seen
	s.ClearBindings()
	c.idle[sql] = append(c.idle[sql], s)
}

// exec runs a statement that writes.
func (c *conn) exec(sql string, args ...any) error {
	c.writes++
	return c.run(sql, args...)
}

// run runs a statement that writes no row, such as BEGIN.
func (c *conn) run(sql string, args ...any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.take(sql, args)
	if err != nil {
		return err
	}
	defer c.put(sql, s)
	_, err = s.Step()
	return err
}

// one returns the first row of a query, or [storage.ErrNotFound].
func one[T any](c *conn, scan func(*lite.Stmt) (T, error), sql string, args ...any) (v T, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.take(sql, args)
	if err != nil {
		return v, err
	}
	defer c.put(sql, s)
	switch row, err := s.Step(); {
	case err != nil:
		return v, err
	case !row:
		return v, storage.ErrNotFound
	}
	return scan(s)
}

// exists reports whether a query has a row.
func exists(c *conn, sql string, args ...any) (bool, error) {
	_, err := one(c, func(*lite.Stmt) (struct{}, error) { return struct{}{}, nil }, sql, args...)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// each yields the rows of a query, until ctx ends.
func each[T any](ctx context.Context, c *conn, scan func(*lite.Stmt) (T, error), sql string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		c.mu.Lock()
		s, err := c.take(sql, args)
		c.mu.Unlock()
		if err != nil {
			yield(zero, err)
			return
		}
		defer func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.put(sql, s)
		}()
		for {
			if err := ctx.Err(); err != nil {
				yield(zero, err)
				return
			}
			v, row, err := next(c, s, scan)
			if err != nil {
				yield(zero, err)
				return
			}
			if !row || !yield(v, nil) {
				return
			}
		}
	}
}

func next[T any](c *conn, s *lite.Stmt, scan func(*lite.Stmt) (T, error)) (v T, row bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if row, err = s.Step(); row && err == nil {
		v, err = scan(s)
	}
	return v, row, err
}

// all returns the rows of a query that has few.
func all[T any](c *conn, scan func(*lite.Stmt) (T, error), sql string, args ...any) ([]T, error) {
	var rows []T
	for v, err := range each(context.Background(), c, scan, sql, args...) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, v)
	}
	return rows, nil
}

// run runs a statement once, without keeping it.
func run(c *lite.Conn, sql string) error {
	s, _, err := c.PrepareTransient(sql)
	if err != nil {
		return err
	}
	defer s.Finalize()
	_, err = s.Step()
	return err
}

func bind(s *lite.Stmt, i int, arg any) {
	switch v := arg.(type) {
	case nil: // NULL is what isn't bound
	case int:
		s.BindInt64(i, int64(v))
	case int64:
		s.BindInt64(i, v)
	case bool:
		s.BindBool(i, v)
	case string:
		s.BindText(i, v)
	case syntax.DID:
		s.BindText(i, string(v))
	case syntax.Handle:
		s.BindText(i, string(v))
	case syntax.NSID:
		s.BindText(i, string(v))
	case syntax.TID:
		s.BindText(i, string(v))
	case storage.EventKind:
		s.BindText(i, string(v))
	case []byte:
		s.BindBytes(i, v)
	case cid.Cid:
		s.BindBytes(i, v.Bytes())
	case time.Time:
		s.BindInt64(i, v.UnixMicro())
	default:
		panic(fmt.Sprintf("sqlite: no binding for %T", arg))
	}
}
