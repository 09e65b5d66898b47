package webhook

import "context"

// Positions keep how far each endpoint has got in the log: the number of the last event that it has accepted, or that
// isn't for it. A table of the host's own database is a good place; [Dir] is another.
type Positions interface {
	// Position returns what SetPosition was last called with for an endpoint, and false if it never was. It returns the
	// number only if it is sure of it: a position that was lost means events that are lost.
	Position(ctx context.Context, endpoint string) (seq int64, ok bool, err error)

	// SetPosition keeps a position durably. There is one caller at a time for an endpoint. The number may be less than the one
	// before.
	SetPosition(ctx context.Context, endpoint string, seq int64) error
}
