package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
)

// delivery brings the events to one endpoint.
type delivery struct {
	sender   *Sender
	endpoint endpoint
	queue    *queue
}

func (d *delivery) run(ctx context.Context) {
	var after int64
	if !d.retry(ctx, "its position isn't known", func() (err error) { after, err = d.position(ctx); return err }) {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { d.follow(ctx, after) })
	wg.Go(func() { d.deliver(ctx, after) })
	wg.Wait()
}

// position returns where to go on. That of a new endpoint is kept before anything is sent, so that nothing is left out if
// that takes several attempts.
func (d *delivery) position(ctx context.Context) (int64, error) {
	seq, ok, err := d.sender.c.Positions.Position(ctx, d.endpoint.Name)
	if ok || err != nil {
		return seq, err
	}
	if d.endpoint.FromOldest {
		seq, err = d.beginning(ctx)
	} else {
		seq, err = d.sender.c.Events.LastSeq(ctx)
	}
	if err == nil {
		err = d.sender.c.Positions.SetPosition(ctx, d.endpoint.Name, seq)
	}
	return seq, err
}

// beginning returns the position in front of the oldest event that is left in the log.
func (d *delivery) beginning(ctx context.Context) (int64, error) {
	last, err := d.sender.c.Events.LastSeq(ctx) // before the look, so that no event is between them
	if err != nil {
		return 0, err
	}
	for e, err := range d.sender.c.Events.ListEvents(ctx, storage.EventRange{Limit: 1}) {
		return e.Seq - 1, err
	}
	return last, nil
}

// follow reads the log into the queue until ctx ends.
func (d *delivery) follow(ctx context.Context, after int64) {
	for ctx.Err() == nil {
		d.retry(ctx, "the log can't be read", func() error {
			before := after
			err := d.read(ctx, &after)
			if errors.Is(err, firehose.ErrOutdatedCursor) || errors.Is(err, firehose.ErrFutureCursor) {
				err = d.skip(ctx, &after, err)
			}
			if after != before { // there was something: the pauses begin anew
				d.log(ctx, "the log is read anew", err)
				return nil
			}
			return err
		})
	}
}

var errEnd = errors.New("webhook: there are no more events")

// read reads on from a position, which it moves, until there is an error.
func (d *delivery) read(ctx context.Context, after *int64) error {
	for e, err := range d.sender.log.Subscribe(ctx, *after) {
		if err != nil {
			return err
		}
		var encoded []byte
		if event, ok := d.endpoint.filter.event(e); ok {
			if encoded, err = json.Marshal(event); err != nil {
				return err
			}
		}
		if !d.queue.add(ctx, encoded, e.Seq) {
			return ctx.Err()
		}
		*after = e.Seq
	}
	return errEnd
}

// skip moves a position to the beginning of the log, and tells the endpoint. It returns the cause if that is where the
// position is already.
func (d *delivery) skip(ctx context.Context, after *int64, cause error) error {
	to, err := d.beginning(ctx)
	if err != nil {
		return err
	}
	if to == *after {
		return cause
	}
	gap, err := json.Marshal(Event{Seq: to, Time: d.sender.c.Now().UTC(), Type: TypeGap, After: *after})
	if err != nil {
		return err
	}
	d.sender.c.Logger.WarnContext(ctx, "webhook: the log doesn't go back to an endpoint's position",
		"endpoint", d.endpoint.Name, "position", *after, "beginning", to)
	if !d.queue.add(ctx, gap, to) {
		return ctx.Err()
	}
	*after = to
	return nil
}
