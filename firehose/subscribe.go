package firehose

import (
	"context"
	"errors"
	"iter"

	"github.com/pdskit/pdskit/storage"
)

// ErrOutdatedCursor: events after a cursor have been removed from the log, because they were older than it is kept.
var ErrOutdatedCursor = errors.New("firehose: cursor is older than the log")

// batchBytes bounds what a reader takes at a time, in bytes of the events, but for the last one: it may keep them for as
// long as it likes.
const batchBytes = 4 << 20

// Subscribe yields the events after a sequence number, decoded: first those that are there and then, without gap or
// repetition, each new one as it comes, until ctx ends or the loop stops. A slow loop delays nobody: events are read
// into memory, a few at a time, before they're yielded.
//
// Its last pair has an error: [ErrOutdatedCursor], at the beginning or when a loop is so slow that the log's removal of
// old events overtakes it; [ErrFutureCursor], as after the log was restored from an old backup; the context's or
// storage's. ErrOutdatedCursor can come without need, but is never left out.
func (l *Log) Subscribe(ctx context.Context, after int64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := l.subscribe(ctx, after, func(e Event) bool { return yield(e, nil) }); err != nil {
			yield(Event{}, err)
		}
	}
}

// subscribe returns nil when send returns false.
func (l *Log) subscribe(ctx context.Context, after int64, send func(Event) bool) error {
	last, err := l.LastSeq(ctx)
	if err != nil {
		return err
	}
	if after > last {
		return ErrFutureCursor
	}
	waiting := false // until a moment ago, and before that it had everything
	for {
		rung := l.bell.listen() // before the look, so that nothing is missed after it
		events, err := l.next(ctx, after, !waiting)
		if err != nil {
			return err
		}
		for _, row := range events {
			e, err := Decode(row)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			if after = e.Seq; !send(e) {
				return nil
			}
		}
		if waiting = len(events) == 0; !waiting {
			continue
		}
		select {
		case <-rung:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read reads a batch from the log, and says whether it is full, so that there may be more. It is in memory before it is
// yielded: a slow loop must not hold the store's snapshot.
func (l *Log) read(ctx context.Context, after int64) (events []storage.Event, full bool, err error) {
	size := 0
	for e, err := range l.ListEvents(ctx, after, batch) {
		if err != nil {
			return nil, false, err
		}
		events = append(events, e)
		if size += len(e.Body); size >= batchBytes {
			return events, true, nil
		}
	}
	return events, len(events) == batch, nil
}

// next reads a batch from the log. check says to make sure that the events before it haven't been removed.
func (l *Log) next(ctx context.Context, after int64, check bool) ([]storage.Event, error) {
	events, _, err := l.read(ctx, after)
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

// outdated reports whether events after a sequence number may have been removed from the log. Numbers that were never
// given, or whose events went with their account, are taken for removed ones where nothing is left before them.
func (l *Log) outdated(ctx context.Context, after int64) (bool, error) {
	last, err := l.LastSeq(ctx)
	if err != nil || after >= last {
		return false, err
	}
	for e, err := range l.ListEvents(ctx, 0, 1) {
		return err == nil && after+1 < e.Seq, err
	}
	return true, nil
}
