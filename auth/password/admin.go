package password

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/pdskit/pdskit/auth"
)

// Admin returns an [auth.Authenticator] that knows the operator of the server: HTTP Basic with the
// user "admin" and a password. Whoever gives another user or password is refused with
// [auth.ErrAuthRequired]; how long that takes tells nothing about the password. With the password
// "" everybody is refused: there is no operator.
func Admin(password string) auth.Authenticator {
	enabled, want := password != "", sha256.Sum256([]byte(password))
	return auth.AuthenticatorFunc(func(_ *http.Request, c auth.Credentials) (auth.Caller, error) {
		token, err := c.Of("Basic")
		if err != nil || token == "" {
			return auth.Caller{}, err
		}
		decoded, err := base64.StdEncoding.DecodeString(token)
		user, given, _ := strings.Cut(string(decoded), ":")
		got := sha256.Sum256([]byte(given))
		same := subtle.ConstantTimeCompare(got[:], want[:]) == 1
		if err != nil || !enabled || user != "admin" || !same {
			return auth.Caller{}, auth.ErrAuthRequired
		}
		return auth.Caller{Kind: auth.KindAdmin}, nil
	})
}
