package storage

import (
	"errors"
	"fmt"
)

// The sentinel errors. A backend returns them as they are or wrapped; callers test with [errors.Is]. Each says that
// nothing was written.
var (
	// ErrNotFound: there is no such account, repo, record, document or blob.
	ErrNotFound = errors.New("storage: not found")

	// ErrExists: the thing to be created is there already.
	ErrExists = errors.New("storage: already exists")

	// ErrHandleTaken is an [ErrExists]: another account has the handle.
	ErrHandleTaken = fmt.Errorf("%w: handle", ErrExists)

	// ErrEmailTaken is an [ErrExists]: another account has the e-mail address.
	ErrEmailTaken = fmt.Errorf("%w: email", ErrExists)

	// ErrFull: the medium has no room for what was to be written, be it a disk, a quota or a memory limit. The same call
	// may succeed later, and reads succeed now. A value that is refused whatever room there is gets another error.
	ErrFull = errors.New("storage: full")

	// ErrConflict: a compare-and-swap lost. What was to be replaced is no longer what the caller took it for.
	ErrConflict = errors.New("storage: conflict")

	// ErrGuard: the account isn't, or is no longer, what the write's [Guard] asks for. To try again is of no use before
	// the caller has looked at the account anew.
	ErrGuard = errors.New("storage: the account has changed")

	// ErrLimit: the owner has as many documents of the kind as the write allows.
	ErrLimit = errors.New("storage: too many documents")

	// ErrCut: the store has ended a snapshot or a listing that lasted too long. See Snapshot of [Repos].
	ErrCut = errors.New("storage: snapshot cut")
)
