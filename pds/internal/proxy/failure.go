package proxy

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/pdskit/pdskit/pds/xrpc"
)

const (
	maxErrorBody    = 64 << 10 // bytes of a service's error that are looked at
	maxErrorName    = 100      // characters
	maxErrorMessage = 2000
)

// failure is what the client is told of a service that hasn't answered, or has broken off.
func (h *Handler) failure(ctx context.Context, host string, err error) error {
	var tooLarge *http.MaxBytesError
	var timeout net.Error
	switch cause := context.Cause(ctx); {
	case errors.Is(err, errClient):
		return context.Canceled
	case errors.As(err, &tooLarge):
		return tooLarge
	case errors.Is(cause, errStalled), errors.As(err, &timeout) && timeout.Timeout() && cause == nil:
		return xrpc.StatusError(http.StatusGatewayTimeout, "Upstream service timed out")
	case cause != nil:
		return cause // the client has gone
	}
	var whole *url.Error
	if errors.As(err, &whole) {
		err = whole.Err // without the URL, in which is what somebody has searched for
	}
	h.Logger.WarnContext(ctx, "proxy: a service failed", "host", host, "err", err)
	return xrpc.StatusError(http.StatusBadGateway, "Upstream service unreachable")
}

// refusal is what the client is told of a service's error: the same, as far as it is one. Nothing is passed on unseen, of
// junk no more than the status.
func (h *Handler) refusal(to http.Header, resp *http.Response) error {
	h.incoming(to, resp.Header)
	status := resp.StatusCode
	if status < 400 || status == http.StatusInternalServerError {
		status = http.StatusBadGateway
	}
	e := xrpc.StatusError(status, "Upstream service failed")
	if e.Status != status { // one without a name of its own
		e = &xrpc.Error{Status: status, Name: "UpstreamFailure", Message: e.Message}
	}
	var said struct{ Error, Message string }
	if readJSON(resp, maxErrorBody, nil, &said) == nil {
		if isErrorName(said.Error) {
			e.Name = said.Error
		}
		e.Message = cmp.Or(shorten(said.Message), e.Message)
	}
	return e
}

// isErrorName reports whether a service's error has a name that looks like one.
func isErrorName(name string) bool {
	return name != "" && len(name) <= maxErrorName && strings.Trim(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == ""
}

// shorten cuts off what is too long, between characters.
func shorten(s string) string {
	if len(s) <= maxErrorMessage {
		return s
	}
	s = s[:maxErrorMessage]
	for !utf8.ValidString(s) && len(s) > maxErrorMessage-utf8.UTFMax {
		s = s[:len(s)-1]
	}
	return s
}
