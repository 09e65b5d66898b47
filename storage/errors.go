package storage

import (
	"errors"
	"fmt"
)

// The sentinel errors. A backend returns them as they are or wrapped; callers test with [errors.Is]. Each says that
// nothing was written.
var (
	// ErrNotFound: there is no such account, repo, record, token, key or blob.
	ErrNotFound = errors.New("storage: not found")

	// ErrExists: the thing to be created is there already.
	ErrExists = errors.New("storage: already exists")

	// ErrHandleTaken is an [ErrExists]: another account has the handle.
	ErrHandleTaken = fmt.Errorf("%w: handle", ErrExists)

	// ErrEmailTaken is an [ErrExists]: another account has the e-mail address.
	ErrEmailTaken = fmt.Errorf("%w: email", ErrExists)

	// ErrFull: there is no room for what was to be written. The same call may succeed later, and reads succeed now.
	ErrFull = errors.New("storage: full")

	// ErrConflict: a compare-and-swap lost. What was to be replaced is no longer what the caller took it for.
	ErrConflict = errors.New("storage: conflict")
)
