package hosting

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

func export(err error) error { return ExportError("did:web:a.example", err) }

// TestErrors: each kind of work knows the errors of its own, however they are wrapped, and no
// others.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		tell func(error) error
		err  error
		want string // "" for the error itself
	}{
		{WriteError, repo.ErrSwapCommit, "400 InvalidSwap: Commit was not at the given swapCommit"},
		{WriteError, repo.ErrDuplicatePath, "400 InvalidRequest: Two writes are to the same record"},
		{WriteError, repo.ErrInvalidPath, "400 InvalidRequest: Invalid write: wrapped: repo: invalid operation: path"},
		{WriteError, storage.ErrConflict, "503 NotEnoughResources: The repo is being written to from elsewhere, please try again"},
		{WriteError, storage.ErrNotFound, ""},
		{ImportError, repo.ErrRepoVersion, "400 InvalidRequest: wrapped: repo: invalid CAR: repo version"},
		{ImportError, fmt.Errorf("%w: %w", repo.ErrInvalidCAR, &http.MaxBytesError{}), ""},
		{ImportError, repo.ErrTooLarge, ""},
		{export, repo.ErrBlockNotFound, "400 BlockNotFound: Could not find all of the blocks in the repo of did:web:a.example"},
		{export, storage.ErrNotFound, "400 RepoNotFound: Could not find repo for DID: did:web:a.example"},
		{StreamError, firehose.ErrTooSlow, "400 ConsumerTooSlow: Stream consumer too slow"},
		{handleError, &identity.HandleError{Kind: identity.ErrUnsupportedDomain, Message: "Not that one"}, "400 UnsupportedDomain: Not that one"},
		{handleError, storage.ErrNotFound, ""},
		{RegistrationError, identity.ErrUnavailable, "502 UpstreamFailure: The PLC directory can't be reached, please try again"},
		{RegistrationError, errors.New("any"), "400 InvalidRequest: The PLC directory refused to register the account's identity"},
		{IdentityError, identity.ErrRefused, "400 InvalidRequest: The PLC directory refused to change the identity"},
		{IdentityError, errors.New("any"), ""},
		{SubjectError, storage.ErrNotFound, "400 NotFound: Subject not found"},
	} {
		err := fmt.Errorf("wrapped: %w", c.err)
		got, told := c.tell(err), ""
		if e, ok := got.(*xrpc.Error); ok {
			told = fmt.Sprint(e.Status, " ", e)
		}
		if told != c.want || told == "" && got != err {
			t.Errorf("%v: got %v, want %q", err, got, c.want)
		}
	}
	for _, tell := range []func(error) error{
		WriteError, ImportError, export, StreamError, handleError, RegistrationError, IdentityError, SubjectError,
	} {
		if err := tell(nil); err != nil {
			t.Errorf("no error becomes %v", err)
		}
	}
}
