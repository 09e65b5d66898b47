package pds

import (
	"context"
	"iter"

	"github.com/pdskit/pdskit/storage"
)

// Events yields the events of the outgoing log, the same that relays read: those after a sequence number first, then each
// new one as it comes, until ctx ends or the loop stops. It is how a host program watches what happens, and resumes
// after a restart with the number of the last event that it has dealt with.
//
// Its last pair has an error, the context's if that ended.
func (s *Server) Events(ctx context.Context, after int64) iter.Seq2[storage.Event, error] {
	return s.store.Tail(ctx, after)
}
