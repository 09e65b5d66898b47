package backup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/pdskit/pdskit/storage"
)

const (
	maxFrame     = 5 << 20 // bytes of a frame; a commit has 2 MB at most
	reconnect    = time.Second
	reconnectMax = time.Minute
)

// errIdle: there has been no event for a while.
var errIdle = errors.New("backup: no events for now")

// Cursor implements [Source]: it is the one before the oldest event that the server keeps.
func (n *Network) Cursor(ctx context.Context) (int64, error) {
	cursor := int64(0)
	err := n.subscribe(ctx, 0, n.idle(), true, func(e storage.Event) bool {
		cursor = e.Seq - 1
		return false
	})
	if err != nil && !errors.Is(err, errIdle) {
		return 0, err
	}
	return cursor, nil
}

func (n *Network) idle() time.Duration {
	if n.Idle == 0 {
		return 3 * time.Second
	}
	return n.Idle
}

// Events implements [Source]. There are no more for now when one has come that happened after the call, or none for
// a while. When it follows, it connects again when the connection is lost.
func (n *Network) Events(ctx context.Context, cursor int64, follow bool) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		if follow {
			n.follow(ctx, cursor, yield)
			return
		}
		now := n.Now
		if now == nil {
			now = time.Now
		}
		start := now()
		err := n.subscribe(ctx, cursor, n.idle(), false, func(e storage.Event) bool {
			return yield(e, nil) && !e.Time.After(start)
		})
		if err != nil && !errors.Is(err, errIdle) {
			yield(storage.Event{}, err)
		}
	}
}

func (n *Network) follow(ctx context.Context, cursor int64, yield func(storage.Event, error) bool) {
	for wait := reconnect; ; {
		stopped := false
		err := n.subscribe(ctx, cursor, 0, false, func(e storage.Event) bool {
			cursor, wait = e.Seq, reconnect
			stopped = !yield(e, nil)
			return !stopped
		})
		if stopped {
			return
		}
		if errors.Is(err, ErrOutdated) || errors.Is(err, ErrBehind) || ctx.Err() != nil {
			yield(storage.Event{}, errors.Join(err, ctx.Err()))
			return
		}
		n.logger().WarnContext(ctx, "backup: the stream has ended", "err", err, "again in", wait)
		if err := sleep(ctx, wait); err != nil {
			yield(storage.Event{}, err)
			return
		}
		wait = min(2*wait, reconnectMax)
	}
}

// subscribe calls take with each event after a cursor, until it returns false. Errors: errIdle, when idle isn't zero and
// none has come for that long; [ErrOutdated], unless anyCursor says that it doesn't matter; [ErrBehind].
func (n *Network) subscribe(ctx context.Context, cursor int64, idle time.Duration, anyCursor bool,
	take func(storage.Event) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	address := strings.TrimSuffix(n.URL, "/") + "/xrpc/com.atproto.sync.subscribeRepos?cursor=" + strconv.FormatInt(cursor, 10)
	conn, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: n.HTTP})
	if err != nil {
		return fmt.Errorf("backup: subscribe: %w", err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxFrame)
	for {
		kind, data, err := read(ctx, conn, idle)
		switch {
		case err != nil:
			return err
		case kind != websocket.MessageBinary:
			return errors.New("backup: subscribe: a frame that isn't binary")
		}
		e, err := decodeFrame(data)
		switch {
		case errors.Is(err, ErrOutdated) && anyCursor, errors.Is(err, errUnknown):
		case errors.Is(err, errFrame): // what it meant to say, the next event of the account brings to light
			n.logger().WarnContext(ctx, "backup: a frame is ignored", "err", err)
		case err != nil:
			return err
		case !take(e):
			conn.Close(websocket.StatusNormalClosure, "")
			return nil
		}
	}
}

// read reads a frame. Error: errIdle.
func read(ctx context.Context, conn *websocket.Conn, idle time.Duration) (websocket.MessageType, []byte, error) {
	if idle == 0 {
		return conn.Read(ctx)
	}
	waiting, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	kind, data, err := conn.Read(waiting)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		err = errIdle
	}
	return kind, data, err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
