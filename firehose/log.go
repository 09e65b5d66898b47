package firehose

import (
	"context"
	"errors"
	"iter"

	"github.com/pdskit/pdskit/storage"
)

// ErrOutdatedCursor: events after a cursor have been removed from the log, because they were older than it is kept.
var ErrOutdatedCursor = errors.New("firehose: cursor is older than the log")

// Log follows the outgoing log of a store. Whoever writes to the store wakes it, this server or
// another program:
//
//	log := firehose.Log{Events: store}
type Log struct{ storage.Events }

// Events are read into memory, a few at a time, before they're yielded: a slow loop must not hold
// the store's snapshot.
const (
	batch      = 256     // events
	batchBytes = 4 << 20 // of the events' bodies, but for the last one
)

// Tail yields the events after a sequence number as they're stored: first those that are there and
// then, without gap or repetition, each new one as it comes, until ctx ends or the loop stops. A
// slow loop delays nobody.
//
// Its last pair has an error: [ErrOutdatedCursor], at the beginning or when a loop is so slow that
// the removal of old events overtakes it; [ErrFutureCursor], as after the log was restored from an
// old backup; the context's or storage's. ErrOutdatedCursor may be reported although nothing was
// missed. The reverse takes a follower that had everything and was then suspended for longer than
// the log is kept.
func (l Log) Tail(ctx context.Context, after int64) iter.Seq2[storage.Event, error] {
	return l.events(ctx, after, true)
}

// Replay is [Log.Tail] that ends, without an error, after the events that were there when it began.
func (l Log) Replay(ctx context.Context, after int64) iter.Seq2[storage.Event, error] {
	return l.events(ctx, after, false)
}

// Subscribe is [Log.Tail] with decoded events. Its last pair may also have the error of [Decode].
func (l Log) Subscribe(ctx context.Context, after int64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for row, err := range l.Tail(ctx, after) {
			var e Event
			if err == nil {
				e, err = Decode(row)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (l Log) events(ctx context.Context, after int64, follow bool) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		err := l.follow(ctx, after, follow, func(e storage.Event) bool { return yield(e, nil) })
		if err != nil {
			yield(storage.Event{}, err)
		}
	}
}

// follow returns nil when send returns false or, if follow isn't set, when the log has been
// replayed.
func (l Log) follow(ctx context.Context, after int64, follow bool, send func(storage.Event) bool) error {
	last, err := l.LastSeq(ctx)
	if err != nil {
		return err
	}
	if after > last {
		return ErrFutureCursor
	}
	waited := false // until a moment ago, and before that it had everything
	for follow || after < last {
		events, err := l.next(ctx, after, !waited)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !follow && e.Seq > last {
				return nil
			}
			if after = e.Seq; !send(e) {
				return nil
			}
		}
		if waited = len(events) == 0; !waited {
			continue
		}
		if !follow { // numbers may be missing at the end
			return nil
		}
		if err := l.WaitEvents(ctx, after); err != nil {
			return err
		}
	}
	return nil
}

// next reads a batch from the log. check says to make sure that the events before it haven't been removed.
func (l Log) next(ctx context.Context, after int64, check bool) ([]storage.Event, error) {
	var events []storage.Event
	_, err := l.read(ctx, after, func(e storage.Event) error {
		events = append(events, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !check || len(events) > 0 && events[0].Seq == after+1 {
		return events, nil
	}
	outdated, err := l.outdated(ctx, after) // after the reading: what is removed meanwhile counts
	if err == nil && outdated {
		err = ErrOutdatedCursor
	}
	return events, err
}

// read has take take a batch from the log, and says whether it is full, so that there may be more.
func (l Log) read(ctx context.Context, after int64, take func(storage.Event) error) (full bool, err error) {
	n, size := 0, 0
	for e, err := range l.ListEvents(ctx, storage.EventRange{After: after, Limit: batch}) {
		if err == nil {
			err = take(e)
		}
		if err != nil {
			return false, err
		}
		n++
		if size += len(e.Body); size >= batchBytes {
			return true, nil
		}
	}
	return n == batch, nil
}

// outdated reports whether events after a sequence number may have been removed from the log. Numbers that were never
// given, or whose events went with their account, are taken for removed ones where nothing is left before them.
func (l Log) outdated(ctx context.Context, after int64) (bool, error) {
	last, err := l.LastSeq(ctx)
	if err != nil || after >= last {
		return false, err
	}
	for e, err := range l.ListEvents(ctx, storage.EventRange{Limit: 1}) {
		return err == nil && after+1 < e.Seq, err
	}
	return true, nil
}
