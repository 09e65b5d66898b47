package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// AdminPassword returns an [Authenticator] that knows the operator of the server: HTTP Basic with the user "admin" and
// a password. Whoever gives another user or password is refused with [ErrAuthRequired]; how long that takes tells
// nothing about the password. With the password "" everybody is refused: there is no operator.
func AdminPassword(password string) Authenticator {
	enabled, want := password != "", sha256.Sum256([]byte(password))
	return AuthenticatorFunc(func(r *http.Request) (Caller, error) {
		scheme, _, err := authorization(r)
		if err != nil || scheme == "" {
			return Caller{}, err
		}
		if !strings.EqualFold(scheme, "Basic") {
			return Caller{}, ErrInvalidToken.With("Unexpected authorization type")
		}
		user, given, ok := r.BasicAuth()
		got := sha256.Sum256([]byte(given))
		same := subtle.ConstantTimeCompare(got[:], want[:]) == 1
		if !ok || !enabled || user != "admin" || !same {
			return Caller{}, ErrAuthRequired
		}
		return Caller{Kind: KindAdmin}, nil
	})
}
