package auth

import "net/http"

// Error is an error that the client is told of. It is the only kind: methods return it by its name
// xrpc.Error. The client's software decides by Name and Status, and some by Message.
type Error struct {
	Status  int    // of the HTTP response
	Name    string // the value of "error" in the body: a name of the method's lexicon, or a general one
	Message string // for people; no internal detail, nothing secret

	base *Error
}

// Error returns the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

func newError(status int, name, message string) *Error {
	return &Error{Status: status, Name: name, Message: message}
}

// With returns the same error with another message. [errors.Is] takes the result for e.
func (e *Error) With(message string) *Error {
	return &Error{Status: e.Status, Name: e.Name, Message: message, base: e}
}

// Named returns the same error with another name and message, for the many names of one trouble. [errors.Is] takes the
// result for e.
func (e *Error) Named(name, message string) *Error {
	return &Error{Status: e.Status, Name: name, Message: message, base: e}
}

// Unwrap returns the error that e was made of by [Error.With] or [Error.Named], or nil.
func (e *Error) Unwrap() error {
	if e.base == nil {
		return nil
	}
	return e.base
}

// The errors that clients see. Official clients refresh their session upon status 400 with ExpiredToken, and give it up
// when a refresh ends in status 401, ExpiredToken or InvalidToken.
var (
	// ErrAuthMissing: there are no credentials where some are needed.
	ErrAuthMissing = newError(http.StatusUnauthorized, "AuthMissing", "Authentication Required")

	// ErrAuthRequired: there are no or wrong credentials where the operator's are needed.
	ErrAuthRequired = newError(http.StatusUnauthorized, "AuthenticationRequired", "Authentication Required")

	// ErrInvalidToken: the token is malformed, forged, meant for somebody else, or not of the kind that is asked for.
	ErrInvalidToken = newError(http.StatusBadRequest, "InvalidToken", "Token could not be verified")

	// ErrExpiredToken: the token was good and no longer is.
	ErrExpiredToken = newError(http.StatusBadRequest, "ExpiredToken", "Token has expired")

	// ErrAccountNotFound: the account of a good token isn't here.
	ErrAccountNotFound = newError(http.StatusForbidden, "AccountNotFound", "Account not found")

	// ErrAccountTakedown: the account is taken down, and may not do this.
	ErrAccountTakedown = newError(http.StatusUnauthorized, "AccountTakedown", "Account has been taken down")

	// ErrAccountDeactivated: the account is deactivated, and may not do this.
	ErrAccountDeactivated = newError(http.StatusUnauthorized, "AccountDeactivated", "Account is deactivated")

	// ErrScopeMissing: the scope of the caller's token doesn't cover this.
	ErrScopeMissing = newError(http.StatusForbidden, "ScopeMissingError", "Missing required scope")

	// ErrForbidden: the caller is who they say, and may not do this.
	ErrForbidden = newError(http.StatusForbidden, "Forbidden", "Forbidden")
)
