package xrpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/pdskit/pdskit/auth"
)

// Error is an error that the client is told of.
type Error = auth.Error

// Errorf makes an error with status 400 and a name that the method's lexicon declares.
func Errorf(name, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Name: name, Message: fmt.Sprintf(format, args...)}
}

// InvalidRequest makes an error with status 400 and the name InvalidRequest.
func InvalidRequest(format string, args ...any) *Error {
	return Errorf("InvalidRequest", format, args...)
}

// StatusError makes an error with a status and the name that goes with it by default.
func StatusError(status int, format string, args ...any) *Error {
	name := map[int]string{
		http.StatusBadRequest:            "InvalidRequest",
		http.StatusUnauthorized:          "AuthenticationRequired",
		http.StatusForbidden:             "Forbidden",
		http.StatusNotFound:              "NotFound",
		http.StatusNotAcceptable:         "NotAcceptable",
		http.StatusRequestEntityTooLarge: "PayloadTooLarge",
		http.StatusUnsupportedMediaType:  "UnsupportedMediaType",
		http.StatusTooManyRequests:       "RateLimitExceeded",
		http.StatusNotImplemented:        "MethodNotImplemented",
		http.StatusBadGateway:            "UpstreamFailure",
		http.StatusServiceUnavailable:    "NotEnoughResources",
		http.StatusGatewayTimeout:        "UpstreamTimeout",
	}[status]
	if name == "" {
		status, name = http.StatusInternalServerError, "InternalServerError"
	}
	return &Error{Status: status, Name: name, Message: fmt.Sprintf(format, args...)}
}

// errBodyCut: a client has sent less than it had announced. It isn't what others make of io.ErrUnexpectedEOF, who may have
// met it elsewhere.
var errBodyCut = errors.New("xrpc: the request body ended early")

// clientBody is a request's body.
type clientBody struct{ io.ReadCloser }

// Read implements [io.Reader].
func (b clientBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", errBodyCut, err)
	}
	return n, err
}

// classify finds what the client is told of err: nil if err is none of its business.
func classify(err error, table func(error) *Error) *Error {
	var e *Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &tooLarge):
		return StatusError(http.StatusRequestEntityTooLarge, "request entity too large: at most %d bytes", tooLarge.Limit)
	case errors.Is(err, errBodyCut):
		return InvalidRequest("the request body ended early")
	case table != nil:
		return table(err)
	}
	return nil
}

// WriteError answers with e, as JSON.
func WriteError(w http.ResponseWriter, e *Error) {
	body, err := json.Marshal(struct {
		Error   string `json:"error"`
		Message string `json:"message,omitempty"`
	}{e.Name, e.Message})
	if err != nil { // not with two strings
		panic(err)
	}
	h := w.Header()
	h.Del("Content-Length")
	h.Del("Content-Disposition")
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(e.Status)
	w.Write(body)
}
