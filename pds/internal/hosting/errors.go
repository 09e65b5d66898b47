package hosting

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// This file says what clients are told of the errors of other packages. Each function is for one
// kind of work, and returns an error that it doesn't know as it is; nil stays nil.

// AnyError is for errors of all methods. Nil stands for an internal error.
func AnyError(err error) *xrpc.Error {
	switch {
	case errors.Is(err, storage.ErrFull):
		return xrpc.StatusError(http.StatusServiceUnavailable, "The server is out of space, please try again later")
	case errors.Is(err, storage.ErrGuard): // the next try says whether the account may still do this
		return xrpc.StatusError(http.StatusServiceUnavailable, "The account has just been changed, please try again")
	}
	return nil
}

// WriteError is for writes to a repo.
func WriteError(err error) error {
	switch {
	case errors.Is(err, repo.ErrSwapCommit):
		return xrpc.Errorf("InvalidSwap", "Commit was not at the given swapCommit")
	case errors.Is(err, repo.ErrSwapRecord):
		return xrpc.Errorf("InvalidSwap", "Record was not at the given swapRecord")
	case errors.Is(err, repo.ErrRecordExists):
		return xrpc.InvalidRequest("Record already exists")
	case errors.Is(err, repo.ErrRecordNotFound):
		return xrpc.InvalidRequest("Could not find record")
	case errors.Is(err, repo.ErrDuplicatePath):
		return xrpc.InvalidRequest("Two writes are to the same record")
	case errors.Is(err, repo.ErrTooLarge):
		return xrpc.InvalidRequest("Too many bytes in one commit. Max: %d", repo.MaxCommitBytes)
	case errors.Is(err, repo.ErrBlobNotFound):
		return xrpc.Errorf("BlobNotFound", "Could not find blob")
	case errors.Is(err, repo.ErrInvalidOp):
		return xrpc.InvalidRequest("Invalid write: %s", err)
	case errors.Is(err, storage.ErrConflict):
		return xrpc.StatusError(http.StatusServiceUnavailable,
			"The repo is being written to from elsewhere, please try again")
	}
	return err
}

// ImportError is for the import of a repo. A CAR over the limit of the body's size keeps its error.
func ImportError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return err
	case errors.Is(err, repo.ErrInvalidCAR):
		return xrpc.InvalidRequest("%s", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return xrpc.InvalidRequest("the CAR ended early")
	}
	return err
}

// ExportError is for the export of a repo or of parts of it.
func ExportError(did syntax.DID, err error) error {
	switch {
	case errors.Is(err, repo.ErrBlockNotFound):
		return xrpc.Errorf("BlockNotFound", "Could not find all of the blocks in the repo of %s", did)
	case errors.Is(err, storage.ErrNotFound):
		return RepoNotFound(did)
	}
	return err
}

// RepoNotFound says that a DID or handle has no repo here.
func RepoNotFound(id fmt.Stringer) error {
	return xrpc.Errorf("RepoNotFound", "Could not find repo for DID: %s", id)
}

// StreamError is for the event stream.
func StreamError(err error) error {
	switch {
	case errors.Is(err, firehose.ErrFutureCursor):
		return xrpc.Errorf("FutureCursor", "Cursor in the future.")
	case errors.Is(err, firehose.ErrTooSlow):
		return xrpc.Errorf("ConsumerTooSlow", "Stream consumer too slow")
	}
	return err
}

// handleError is for the rules of handles.
func handleError(err error) error {
	var e *identity.HandleError
	if !errors.As(err, &e) {
		return err
	}
	for kind, name := range map[error]string{
		identity.ErrInvalidHandle:      "InvalidHandle",
		identity.ErrUnsupportedDomain:  "UnsupportedDomain",
		identity.ErrHandleNotAvailable: "HandleNotAvailable",
	} {
		if errors.Is(err, kind) {
			return xrpc.Errorf(name, "%s", e.Message)
		}
	}
	return err
}

// HandleTaken says that another account has a handle, or is about to.
func HandleTaken(handle syntax.Handle) error {
	return xrpc.Errorf("HandleNotAvailable", "Handle already taken: %s", handle)
}

// EmailTaken says that another account has an address, or is about to.
func EmailTaken(email string) error { return xrpc.InvalidRequest("Email already taken: %s", email) }

// RegistrationError is for the registration of a new identity. Every error but an unreachable
// directory counts as a refusal, whose reason isn't for strangers.
func RegistrationError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, identity.ErrUnavailable):
		return errUnavailable
	}
	return xrpc.InvalidRequest("The PLC directory refused to register the account's identity")
}

// IdentityError is for changes of an identity.
func IdentityError(err error) error {
	switch {
	case errors.Is(err, identity.ErrUnavailable):
		return errUnavailable
	case errors.Is(err, identity.ErrNoAuthority):
		return xrpc.InvalidRequest("The server has no key that may change this identity")
	case errors.Is(err, identity.ErrRefused):
		return xrpc.InvalidRequest("The PLC directory refused to change the identity")
	}
	return err
}

var errUnavailable = xrpc.StatusError(http.StatusBadGateway, "The PLC directory can't be reached, please try again")

// SubjectError is for what a moderator asks about, or decides on.
func SubjectError(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return xrpc.Errorf("NotFound", "Subject not found")
	}
	return err
}
