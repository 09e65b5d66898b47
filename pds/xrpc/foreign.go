package xrpc

import (
	"net/http"

	"github.com/pdskit/pdskit/auth"
)

var sameSite = http.NewCrossOriginProtection()

// refuseForeign refuses a WebSocket that a page of another site opens in somebody's name: a browser sends a host's cookies
// along with its handshake, and lets the page read what comes. Answers to other requests with cookies it keeps from the
// page, since [allowCORS] doesn't say otherwise.
func refuseForeign(r *http.Request, caller auth.Caller) error {
	byCookie := caller.Kind != auth.KindAnonymous && r.Header.Get("Authorization") == "" && r.Header.Get("Cookie") != ""
	if !byCookie {
		return nil
	}
	handshake := *r
	handshake.Method = http.MethodPost // to its own, a GET is always safe
	if sameSite.Check(&handshake) != nil {
		return auth.ErrForbidden
	}
	return nil
}
