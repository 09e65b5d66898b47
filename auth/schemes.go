package auth

import (
	"net/http"
	"strings"
)

// Schemes is an [Authenticator] that passes a request on to the authenticator of its Authorization header's scheme:
//
//	auth.Schemes{"Bearer": sessions, "Basic": auth.AdminPassword(password)}
//
// Schemes are compared without regard to case. The authenticator of the scheme "", if there is one, is asked about
// requests without the header, which are anonymous otherwise: a host's own that looks at a cookie, for example. It has to
// see to it that no other site makes a browser send a POST with the cookie: see [http.CrossOriginProtection]. WebSockets
// that other sites open with a cookie, the server refuses by itself. A request with an unknown scheme or a malformed or
// repeated header is refused with [ErrInvalidToken].
type Schemes map[string]Authenticator

var _ Authenticator = Schemes(nil)

// Authenticate implements [Authenticator].
func (s Schemes) Authenticate(r *http.Request) (Caller, error) {
	scheme, _, err := authorization(r)
	if err != nil {
		return Caller{}, err
	}
	for name, a := range s {
		if strings.EqualFold(name, scheme) {
			return a.Authenticate(r)
		}
	}
	if scheme == "" {
		return Caller{}, nil
	}
	return Caller{}, ErrInvalidToken.With("Unsupported authorization type")
}

// BearerToken returns the token of a request's Authorization header. Errors: [ErrAuthMissing] without such a header,
// [ErrInvalidToken] if it is malformed or has another scheme.
func BearerToken(r *http.Request) (string, error) {
	scheme, token, err := authorization(r)
	switch {
	case err != nil:
		return "", err
	case scheme == "":
		return "", ErrAuthMissing
	case !strings.EqualFold(scheme, "Bearer"):
		return "", ErrInvalidToken.With("Unexpected authorization type")
	}
	return token, nil
}

// authorization splits the Authorization header; scheme is "" without one. Two headers are malformed: a proxy in front
// may have looked at the other one.
func authorization(r *http.Request) (scheme, credentials string, err error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return "", "", nil
	}
	scheme, credentials, _ = strings.Cut(values[0], " ")
	if len(values) > 1 || scheme == "" || credentials == "" || strings.Contains(credentials, " ") {
		return "", "", ErrInvalidToken.With("Malformed authorization header")
	}
	return scheme, credentials, nil
}
