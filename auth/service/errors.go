package service

import (
	"net/http"

	"github.com/pdskit/pdskit/auth"
)

// ErrToken: a service token is malformed, forged, expired, used up, or meant for something else.
// Its Name says which: BadJwt, BadJwtType, JwtExpired, BadJwtAudience, BadJwtLexiconMethod,
// BadJwtIss, BadJwtSignature or UntrustedIss.
var ErrToken = &auth.Error{
	Status: http.StatusUnauthorized, Name: "BadJwt", Message: "Service token could not be verified",
}
