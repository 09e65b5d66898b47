package sqlite

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// writer is the goroutine that owns the connection that writes, and the queue in front of it.
type writer struct {
	db           *conn
	checkpointer *checkpointer
	bell         *bell // rung for new events

	mu     sync.Mutex
	wake   *sync.Cond // queue has become non-empty, or closed true
	queue  []*op
	closed bool
	exited chan struct{}

	refusal error // what submit returns once closed is true

	writes, transactions atomic.Int64
}

// op is one write in the queue.
type op struct {
	// do checks its preconditions before it changes anything. It may run more than once, each time on a database
	// without the effects of the times before.
	do func(*conn) error

	state atomic.Int32
	err   error         // once done is closed
	done  chan struct{} // closed when the outcome is known and durable
}

// The states of an op. One that is taken will have an outcome; one that was canceled before never runs.
const (
	opQueued int32 = iota
	opTaken
	opCanceled
)

func newWriter(db *conn, c *checkpointer, b *bell) *writer {
	w := &writer{db: db, checkpointer: c, bell: b, exited: make(chan struct{}), refusal: errClosed}
	w.wake = sync.NewCond(&w.mu)
	go w.run()
	return w
}

// submit queues a write.
func (w *writer) submit(do func(*conn) error) (*op, error) {
	o := &op{do: do, done: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, w.refusal
	}
	w.queue = append(w.queue, o)
	w.wake.Signal()
	return o, nil
}

// wait returns the outcome of a write. If ctx ends while the write is still queued, it will never happen; once it's under
// way, wait stays for the outcome.
func (o *op) wait(ctx context.Context) error {
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		if o.state.CompareAndSwap(opQueued, opCanceled) {
			return ctx.Err()
		}
		<-o.done
		return o.err
	}
}

// write does a write and waits for its outcome.
func write[T any](ctx context.Context, w *writer, do func(*conn) (T, error)) (v T, err error) {
	if err := ctx.Err(); err != nil {
		return v, err
	}
	var result T
	o, err := w.submit(func(db *conn) (err error) {
		result, err = do(db)
		return err
	})
	if err != nil {
		return v, err
	}
	if err := o.wait(ctx); err != nil {
		return v, err
	}
	return result, nil
}

// writeOnly is write for what has no result.
func writeOnly(ctx context.Context, w *writer, do func(*conn) error) error {
	_, err := write(ctx, w, func(db *conn) (struct{}, error) { return struct{}{}, do(db) })
	return err
}

// close does the writes that are queued, and ends the goroutine. It leaves the connection open.
func (w *writer) close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed
	}
	w.closed = true
	w.wake.Signal()
	w.mu.Unlock()
	<-w.exited
	return w.checkpointer.close()
}

func (w *writer) run() {
	defer close(w.exited)
	for {
		w.mu.Lock()
		for len(w.queue) == 0 && !w.closed {
			w.wake.Wait()
		}
		w.mu.Unlock()
		runtime.Gosched() // those who are about to write share the flush
		w.mu.Lock()
		batch := w.queue
		w.queue = nil
		w.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		w.apply(batch)
		w.checkpointer.tick(w.db)
	}
}

// apply runs a batch, and answers each op of it. Only when all is durable does anyone hear anything: an op that lost to another of
// its batch must not tell before the winner has won.
func (w *writer) apply(batch []*op) {
	taken := batch[:0]
	for _, o := range batch {
		if o.state.CompareAndSwap(opQueued, opTaken) {
			taken = append(taken, o)
		}
	}
	for len(taken) > 0 {
		spoiler := w.transaction(taken)
		if spoiler < 0 {
			break
		}
		taken[spoiler].answer()
		taken = append(taken[:spoiler], taken[spoiler+1:]...)
	}
	for _, o := range taken {
		o.answer()
	}
}

// answer tells the outcome to who waits for it.
func (o *op) answer() {
	if lite.ErrCode(o.err) == lite.ResultFull {
		o.err = fmt.Errorf("%w: %w", storage.ErrFull, o.err)
	}
	close(o.done)
}

// transaction runs ops in a transaction and sets their errors. If one of them fails having written already, it rolls
// back and returns that one's index: the others have to run again without it. Otherwise it returns -1.
func (w *writer) transaction(ops []*op) (spoiler int) {
	if err := w.db.run(`BEGIN IMMEDIATE`); err != nil {
		fail(ops, fmt.Errorf("sqlite: begin: %w", err))
		return -1
	}
	w.db.appended = 0
	var writes int64
	for i, o := range ops {
		before := w.db.writes
		o.err = o.do(w.db)
		wrote := w.db.writes > before
		if wrote && o.err != nil {
			w.rollback()
			return i
		}
		if wrote {
			writes++
		}
	}
	if err := w.db.run(`COMMIT`); err != nil {
		w.rollback()
		fail(ops, fmt.Errorf("sqlite: commit: %w", err))
		return -1
	}
	if w.db.appended > 0 {
		w.bell.ring(w.db.appended)
	}
	if writes > 0 {
		w.writes.Add(writes)
		w.transactions.Add(1)
	}
	return -1
}

// rollback ends the transaction, unless SQLite has done so on its own, as it does when the disk is full.
func (w *writer) rollback() {
	if !w.db.AutocommitEnabled() {
		w.db.run(`ROLLBACK`) // can't fail but for what failed before; the next BEGIN would tell
	}
}

func fail(ops []*op, err error) {
	for _, o := range ops {
		o.err = err
	}
}

// contended reports whether a write waits while another is under way.
func (w *writer) contended() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue) > 0
}
