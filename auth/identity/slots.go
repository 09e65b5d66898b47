package identity

import (
	"context"
	"errors"
)

// maxFetches bounds what is asked at the same time: of the PLC directory, and of hosts that somebody else chose. Others
// wait, and their time runs. They are counted apart, so that hosts that don't answer keep nobody from a did:plc.
const maxFetches = 64

// slots has one element for each fetch under way.
type slots chan struct{}

var errBusy = errors.New("too many others are being resolved")

// take waits for a slot until ctx ends. If there is no error, release has to be called at the end.
func (s slots) take(ctx context.Context) (release func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-ctx.Done():
		return nil, errBusy
	}
}
