package plc

import (
	"errors"
	"fmt"
	"net/http"
)

// The sentinel errors. Callers test with [errors.Is].
var (
	// ErrMalformed: an operation has the wrong form, or exceeds a limit.
	ErrMalformed = errors.New("plc: malformed operation")

	// errSignature: an operation's signature isn't that of a key that may sign it.
	errSignature = errors.New("plc: invalid signature")

	// errOrder: an operation doesn't follow from the log.
	errOrder = errors.New("plc: operation out of order")

	// errLateRecovery: an operation would undo one that is older than recoveryWindow.
	errLateRecovery = errors.New("plc: recovery window is over")

	// errGenesis: the hash of a genesis operation isn't the DID.
	errGenesis = errors.New("plc: genesis operation of another DID")

	// errRateLimited: the DID has had too many operations lately.
	errRateLimited = errors.New("plc: too many operations")

	// ErrTombstoned: the identity was ended by a tombstone.
	ErrTombstoned = errors.New("plc: identity is tombstoned")

	// ErrNotPLC: the DID is of another method, or has no did:plc syntax.
	ErrNotPLC = errors.New("plc: not a did:plc")

	// ErrNotFound: the directory doesn't know the DID, or it is tombstoned.
	ErrNotFound = errors.New("plc: DID not found")

	// ErrUnavailable: the directory can't be reached, is in trouble, or doesn't answer like a PLC directory. The same
	// call may succeed later.
	ErrUnavailable = errors.New("plc: directory unavailable")
)

// Error is a refusal: a directory's, as it came over HTTP, or that of a check in this package, with the status and
// message that a directory answers.
//
// Beside the reason that a check gives, [errors.Is] finds [ErrNotFound] for the statuses 404 and 410, and
// [ErrUnavailable] for 429 and from 500 on.
type Error struct {
	Status  int
	Message string

	reason error // a sentinel, or nil
}

// Error returns the message with the package's name.
func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("plc: status %d %s", e.Status, http.StatusText(e.Status))
	}
	return "plc: " + e.Message
}

// Is says whether the status means target.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Status == http.StatusNotFound || e.Status == http.StatusGone
	case ErrUnavailable:
		return e.Status == http.StatusTooManyRequests || e.Status >= 500
	}
	return false
}

// Unwrap returns the reason that a check gave, or nil.
func (e *Error) Unwrap() error { return e.reason }

// invalid is a check's refusal, in the words of the public directory.
func invalid(reason error, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...), reason: reason}
}
