package pdstest

import (
	"context"
	"testing"
	"time"

	"github.com/pdskit/pdskit/firehose"
)

// patience is how long Wait waits. It is for tests that fail.
const patience = 30 * time.Second

// Wait returns the first event after a sequence number that match is true of. It reads the same log that relays do: 0 begins
// with the first event, and the Seq of an event that was waited for, with the one after it. The test fails if there is
// no such event within half a minute, and if some after the number have been removed, as those of an account are with it.
func (p *PDS) Wait(t testing.TB, after int64, match func(firehose.Event) bool) firehose.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for e, err := range p.Events(ctx, after) {
		if err != nil {
			t.Fatalf("pdstest: waiting for an event after %d: %v", after, err)
		}
		if match(e) {
			return e
		}
	}
	panic("pdstest: the events ended without an error")
}
