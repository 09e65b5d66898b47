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

// EventRange selects events, in the order of their sequence numbers.
type EventRange struct {
	After int64      // only events whose sequence number is greater
	DID   syntax.DID // only events of this account; "" for all
	Limit int        // at most this many; 0 for all
}

// MaxSeq is the greatest sequence number: above it there are integers that JavaScript can't represent.
const MaxSeq = 1<<53 - 1

// Events keeps the outgoing log: what the firehose sends.
//
// Sequence numbers are positive, strictly increase, and are never given twice, not even after the newest event was
// removed or the process killed; there may be gaps. Events become visible in order: a reader who has seen number n will
// never find a number below n that it hadn't seen.
//
// A write of any method whose last event would get a number above [MaxSeq] fails with an error that
// isn't a sentinel, and writes nothing at all.
type Events interface {
	// AppendEvents appends events that don't come with another write, in this order, and returns the sequence number of
	// the last, or 0 if there are none.
	AppendEvents(ctx context.Context, events ...Event) (int64, error)

	// ListEvents yields the events of a range. With a DID, its cost grows with that account's events, not with the log.
	ListEvents(ctx context.Context, r EventRange) iter.Seq2[Event, error]

	// WaitEvents returns nil when the log has an event whose sequence number is greater than after:
	// at once if it has one already, and otherwise as soon as one is written, by whichever method
	// and whoever does it. A writer of the same Store wakes it within milliseconds; another one, if
	// the content can be open several times, within a second. It doesn't delay writers, and any
	// number of calls may wait. Error: that of ctx.
	WaitEvents(ctx context.Context, after int64) error

	// LastSeq returns the highest sequence number given so far, or the one that RaiseSeq has made it skip to, 0 before
	// the first.
	LastSeq(ctx context.Context) (int64, error)

	// RaiseSeq makes the log skip the sequence numbers up to seq, so that events get greater ones from now on, and
	// LastSeq isn't less than seq. It never lowers them: if LastSeq isn't less already, nothing changes. It is an error if
	// seq is negative or greater than [MaxSeq], and nothing changes then.
	//
	// A server that was restored from a backup, or that takes the place of another one, does this so that it doesn't give
	// numbers that its readers have seen with other events.
	RaiseSeq(ctx context.Context, seq int64) error

	// TrimEvents removes up to limit events from the beginning of the log, as long as they are older than before, and
	// returns how many it removed. It stops at the first that isn't, even if later ones have an earlier time.
	TrimEvents(ctx context.Context, before time.Time, limit int) (int, error)
}
