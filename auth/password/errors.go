package password

import (
	"errors"
	"net/http"

	"github.com/pdskit/pdskit/auth"
)

var (
	// ErrLength: a new password is empty or longer than [MaxNew].
	ErrLength = &auth.Error{
		Status: http.StatusBadRequest, Name: "InvalidRequest", Message: "Password must have 1 to 256 characters",
	}

	// ErrHash: a stored hash has no form that [Verify] knows, or asks for more work than it does.
	ErrHash = errors.New("password: unknown form of password hash")
)
