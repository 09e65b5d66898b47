package webhook

import (
	"bytes"
	"context"
)

// batch is what becomes a message: events that follow each other in the log.
type batch struct {
	events [][]byte // encoded
	size   int      // bytes of them
	last   int64    // the position after it, behind events that aren't for the endpoint, too
}

// add adds an event, or nil for one that isn't for the endpoint.
func (b *batch) add(event []byte, position int64) {
	if b.last = position; event != nil {
		b.events = append(b.events, event)
		b.size += len(event)
	}
}

// body is the JSON of a Message.
func (b *batch) body() []byte {
	var out bytes.Buffer
	out.Grow(b.size + len(b.events) + len(`{"events":[]}`))
	out.WriteString(`{"events":[`)
	for i, e := range b.events {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(e)
	}
	out.WriteString(`]}`)
	return out.Bytes()
}

// queue is a batch that grows while the one before it is on its way, up to its limits. It has one writer and one reader.
type queue struct {
	slot      chan *batch // of one
	maxEvents int
	maxBytes  int
}

func newQueue(maxEvents, maxBytes int) *queue {
	return &queue{slot: make(chan *batch, 1), maxEvents: maxEvents, maxBytes: maxBytes}
}

// add adds to the batch that waits, or begins the next one and waits until the one before is taken. It reports false if
// ctx ends first.
func (q *queue) add(ctx context.Context, event []byte, position int64) bool {
	next := &batch{}
	select {
	case waiting := <-q.slot:
		if q.fits(waiting, event) {
			next = waiting
		} else {
			q.slot <- waiting // there is room: nobody else puts anything in
		}
	default:
	}
	next.add(event, position)
	select {
	case q.slot <- next:
		return true
	case <-ctx.Done():
		return false
	}
}

func (q *queue) fits(b *batch, event []byte) bool {
	return event == nil || len(b.events) == 0 || len(b.events) < q.maxEvents && b.size+len(event) <= q.maxBytes
}
