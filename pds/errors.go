package pds

import (
	"errors"
	"net/http"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// wireError is the table of errors that clients are told of wherever they come up. What a method's lexicon has a name
// for, the method itself translates. Nil stands for an internal error.
func wireError(err error) *xrpc.Error {
	switch {
	case errors.Is(err, storage.ErrFull):
		return xrpc.StatusError(http.StatusServiceUnavailable, "The server is out of space, please try again later")
	}
	return nil
}
