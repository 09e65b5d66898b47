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
// few pages; the writer copies those itself, between two transactions, since only then can the log start over. Only when
// the log has grown by maxGrowth times its limit meanwhile does the writer wait for the copy.
//
// The log can't start over while a reader sees an older state than the newest. Readers who come and go, one always before
// the other has left, would keep it from that for good, but those who come while nobody writes see the newest state. So the
// writer waits for the others: for a moment each time, and each time that the log has doubled, in proportion to it.
type checkpointer struct {
	db    *conn
	limit int // frames that the log may have before it's copied

	start  chan struct{} // asks for the bulk to be copied
	copied chan struct{} // says that it has been
	exited chan struct{}

	// These are the writer's.
	running bool // start was sent, and what came of it isn't seen
	from    int  // the log's frames when it was
	seen    int  // the log's frames after the last attempt
	looked  int  // db.writes when the log was last looked at
	patient int  // the log's frames when the writer last waited for longer than a moment; 0 once it has started over

	count atomic.Int64
}

const (
	maxGrowth = 4

	moment       = 5 * time.Millisecond
	patience     = 10 * time.Millisecond  // for each time that the log has its limit
	mostPatience = 500 * time.Millisecond // who reads for longer is not waited for
)

func newCheckpointer(db *conn, size int) *checkpointer {
	c := &checkpointer{
		db: db, limit: max(size/pageSize, 1),
		start: make(chan struct{}, 1), copied: make(chan struct{}, 1), exited: make(chan struct{}),
	}
	go func() {
		defer close(c.exited)
		for range c.start {
			// An error shows again when the writer copies the rest, or when the log is next copied.
			one(c.db, scanFrames, `PRAGMA wal_checkpoint(passive)`)
			c.copied <- struct{}{}
		}
	}()
	return c
}

// tick is called by the writer between transactions, with its connection.
func (c *checkpointer) tick(db *conn) {
	if c.running {
		select {
		case <-c.copied:
			c.finish(db)
			return
		default:
		}
	}
	if db.writes-c.looked < c.limit/8 { // most statements add a frame or none, and to look takes as long as some of them
		return
	}
	c.looked = db.writes
	frames, err := one(db, scanFrames, `PRAGMA wal_checkpoint(noop)`)
	if err != nil {
		return // what is wrong with the log, the next write tells
	}
	if c.running {
		if frames-c.from >= maxGrowth*c.limit {
			<-c.copied
			c.finish(db)
		}
		return
	}
	if frames < c.seen {
		c.seen = 0 // the log has started over
	}
	// While a long snapshot keeps the log from starting over, this tries again only as it grows.
	if frames-c.seen >= c.limit {
		c.running, c.from = true, frames
		c.start <- struct{}{}
	}
}

// finish copies the rest and makes the log start over, unless readers need it for longer than the writer waits.
func (c *checkpointer) finish(db *conn) {
	c.running = false
	wait := moment
	if c.from >= 2*max(c.patient, c.limit) {
		c.patient = c.from
		wait = min(patience*time.Duration(c.from/c.limit), mostPatience)
	}
	db.SetBusyTimeout(wait)
	defer db.SetBusyTimeout(busyTimeout)
	done, err := one(db, scanRestart, `PRAGMA wal_checkpoint(restart)`)
	if err != nil {
		return // as long as the log can be written, nothing is lost
	}
	if !done.busy {
		c.patient = 0
	}
	c.seen = done.frames
	c.count.Add(1)
}

func (c *checkpointer) close() error {
	close(c.start)
	<-c.exited
	return c.db.Close()
}

// scanFrames reads how many frames are in the log, which is the second column of each kind of checkpoint.
func scanFrames(r *lite.Stmt) (int, error) { return r.ColumnInt(1), nil }

type restart struct {
	busy   bool // a reader was in the way
	frames int
}

func scanRestart(r *lite.Stmt) (restart, error) { return restart{r.ColumnBool(0), r.ColumnInt(1)}, nil }
