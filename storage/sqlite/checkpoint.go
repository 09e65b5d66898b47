package sqlite

import (
	"sync/atomic"
	"time"

	lite "zombiezen.com/go/sqlite"
)

// checkpointer copies the write-ahead log into the database when it has grown, so that the log starts over and neither it nor
// the time to read it grows without bound.
//
// The bulk is copied by a goroutine of its own, beside readers and writers. What the writer has added in the meantime is a
// few pages; the writer copies those itself, between two transactions, since only then can the log start over.
type checkpointer struct {
	db    *conn
	limit int // frames that the log may have before it's copied

	start   chan struct{} // asks for the bulk to be copied
	copied  atomic.Bool   // the bulk has been copied, the rest is the writer's
	running bool          // owned by the writer: start was sent, and the rest isn't done
	seen    int           // owned by the writer: frames in the log after the last attempt
	exited  chan struct{}

	count atomic.Int64
}

// walState is what SQLite says of the log after a checkpoint of any kind.
type walState struct {
	frames int // in the log
	copied int // of those, in the database too
}

func newCheckpointer(db *conn, size int) *checkpointer {
	c := &checkpointer{
		db: db, limit: max(size/pageSize, 1), start: make(chan struct{}, 1), exited: make(chan struct{}),
	}
	go func() {
		defer close(c.exited)
		for range c.start {
			// An error shows again when the writer copies the rest, or when the log is next copied.
			one(c.db, scanWAL, `PRAGMA wal_checkpoint(passive)`)
			c.copied.Store(true)
		}
	}()
	return c
}

// tick is called by the writer between transactions, with its connection.
func (c *checkpointer) tick(db *conn) {
	if c.running {
		if c.copied.CompareAndSwap(true, false) {
			c.finish(db)
		}
		return
	}
	s, err := one(db, scanWAL, `PRAGMA wal_checkpoint(noop)`)
	if err != nil {
		return
	}
	if s.frames < c.seen {
		c.seen = 0 // the log has started over
	}
	// While a long snapshot keeps the log from starting over, try again only as it grows.
	if s.frames-c.seen >= c.limit {
		c.running = true
		c.start <- struct{}{}
	}
}

// finish copies the rest and makes the log start over, unless readers keep it for longer than a moment.
func (c *checkpointer) finish(db *conn) {
	c.running = false
	db.SetBusyTimeout(5 * time.Millisecond)
	defer db.SetBusyTimeout(busyTimeout)
	s, err := one(db, scanWAL, `PRAGMA wal_checkpoint(restart)`)
	if err == nil {
		c.seen = s.frames
		c.count.Add(1)
	}
}

func (c *checkpointer) close() error {
	close(c.start)
	<-c.exited
	return c.db.Close()
}

func scanWAL(r *lite.Stmt) (walState, error) {
	return walState{frames: r.ColumnInt(1), copied: r.ColumnInt(2)}, nil
}
