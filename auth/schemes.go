package auth

import (
	"net/http"
	"strings"
)

// Schemes is an [Authenticator] that passes a request on to the authenticator of its Authorization header's scheme:
//
//	auth.Schemes{"Bearer": sessions, "Basic": password.Admin(secret)}
//
// Schemes are compared without regard to case. The authenticator of the scheme "", if there is one,
// is asked about requests without the header, which are anonymous otherwise: a host's own that
// looks at a cookie, for example. It has to see to it that no other site makes a browser send a
// POST with the cookie: see [http.CrossOriginProtection]. WebSockets that other sites open with a
// cookie, the server refuses by itself. A request with an unknown scheme is refused with
// [ErrInvalidToken].
type Schemes map[string]Authenticator

var _ Authenticator = Schemes(nil)

// Authenticate implements [Authenticator].
func (s Schemes) Authenticate(r *http.Request, c Credentials) (Caller, error) {
	for name, a := range s {
		if strings.EqualFold(name, c.Scheme) {
			return a.Authenticate(r, c)
		}
	}
	if c.Scheme == "" {
		return Caller{}, nil
	}
	return Caller{}, ErrInvalidToken.With("Unsupported authorization type")
}
