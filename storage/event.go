package storage

import (
	"context"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// EventKind is the type of an event, as in the header of its frame.
//
// Spec: https://atproto.com/specs/sync
type EventKind string

const (
	EventCommit   EventKind = "#commit"
	EventSync     EventKind = "#sync"
	EventIdentity EventKind = "#identity"
	EventAccount  EventKind = "#account"
)

// Event is an entry of the outgoing log.
type Event struct {
	// Seq is given by the store. What the caller sets is ignored.
	Seq int64

	DID  syntax.DID
	Kind EventKind
	Time time.Time

	// Body is the event's message, DAG-CBOR, in which the field seq is 0.
	Body []byte
}

// Events keeps the outgoing log: what the firehose sends.
//
// Sequence numbers are positive, strictly increase, and are never given twice, not even after the newest event was
// removed or the process killed; there may be gaps. Events become visible in order: a reader who has seen number n will
// never find a number below n that it hadn't seen.
type Events interface {
	// AppendEvents appends events that don't come with another write, in this order, and returns the sequence number of
	// the last, or 0 if there are none.
	AppendEvents(ctx context.Context, events ...Event) (int64, error)

	// ListEvents yields up to limit events whose sequence number is greater than after, in order; 0 for no limit.
	ListEvents(ctx context.Context, after int64, limit int) iter.Seq2[Event, error]

	// LastSeq returns the highest sequence number given so far, or the one that RaiseSeq has made it skip to, 0 before
	// the first.
	LastSeq(ctx context.Context) (int64, error)

	// RaiseSeq makes the log skip the sequence numbers up to seq, so that events get greater ones from now on, and
	// LastSeq isn't less than seq. It never lowers them: if LastSeq isn't less already, nothing changes. The caller sees
	// to it that seq is below 2^53, so that there are numbers left.
	//
	// A server that was restored from a backup, or that takes the place of another one, does this lest it give numbers
	// that its readers have seen with other events.
	RaiseSeq(ctx context.Context, seq int64) error

	// TrimEvents removes up to limit of the oldest events if they are older than before, and returns how many it
	// removed.
	TrimEvents(ctx context.Context, before time.Time, limit int) (int, error)
}
