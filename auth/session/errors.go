package session

import (
	"net/http"

	"github.com/pdskit/pdskit/auth"
)

// The errors that clients see, beside those of package auth.
var (
	// ErrInvalidLogin is an [auth.ErrAuthRequired]: no such account, or a wrong password. It
	// doesn't say which.
	ErrInvalidLogin = auth.ErrAuthRequired.With("Invalid identifier or password")

	// ErrRevokedToken is an [auth.ErrExpiredToken]: the token's session has been ended.
	ErrRevokedToken = auth.ErrExpiredToken.With("Token has been revoked")

	// ErrMissingTokenID: a refresh token has no ID.
	ErrMissingTokenID = &auth.Error{
		Status: http.StatusUnauthorized, Name: "MissingTokenId", Message: "Unexpected missing refresh token id",
	}
)
