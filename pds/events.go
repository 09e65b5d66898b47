package pds

import (
	"context"
	"iter"

	"github.com/pdskit/pdskit/firehose"
)

// Events yields the events of the outgoing log, the same that relays read, decoded: those after a sequence number first,
// then each new one as it comes, until ctx ends or the loop stops. It is how a host program watches what happens, and it
// resumes after a restart with the number of the last event that it has dealt with. [Config.KeepEvents] says for how long
// it may be away.
//
// An event comes after the write that it tells of is done, and the loop delays no writer. What the loop writes itself, by
// [Server.Repo] for example, comes as an event later. Package firehose says how to keep something that is made of records.
//
// Its last pair has an error: firehose.ErrOutdatedCursor if events after the number have been removed from the log,
// firehose.ErrFutureCursor if the log has never come so far, the context's if that ended, or storage's.
func (s *Server) Events(ctx context.Context, after int64) iter.Seq2[firehose.Event, error] {
	return firehose.Log{Events: s.store}.Subscribe(ctx, after)
}
