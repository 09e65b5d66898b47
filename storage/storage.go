package storage

import "context"

// Store is all that a server keeps, apart from the blobs' bytes, which are a [Blobs] of their own.
//
// A function takes the smallest of these aggregates that it uses.
type Store interface {
	Accounts
	Repos
	Events
	Documents
	BlobIndex
	Takedowns
}

// Maintainer is an optional capability, found with [As]: the store has garbage to remove in the background, such as the
// rows of a repo that was replaced. A server calls Maintain every few minutes.
//
// A store without it removes what is no longer reachable within the method that makes it so.
type Maintainer interface {
	// Maintain removes garbage in steps that are small enough not to delay writers, until none is left or ctx ends. It
	// changes nothing that another method of the store can see. Ending early for ctx is no error.
	Maintain(ctx context.Context) error
}

// Sizer is an optional capability, found with [As]: the store says how much room its content takes.
type Sizer interface {
	// Size returns about how many bytes the content takes up. Garbage that Maintain hasn't removed yet counts; room that
	// is free to be used again doesn't.
	Size(ctx context.Context) (int64, error)
}

// As finds the first store in the chain of store, store.Unwrap(), … that implements the capability T. A wrapper takes
// part by having a method
//
//	Unwrap() storage.Store
//
// and hides a capability of what it wraps by not having one.
//
// A capability may be a whole aggregate that not every store has. The conformance suite tests it where it finds it, and
// says that it skips it where it doesn't.
func As[T any](store Store) (T, bool) {
	for store != nil {
		if t, ok := store.(T); ok {
			return t, true
		}
		w, ok := store.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		store = w.Unwrap()
	}
	var zero T
	return zero, false
}
