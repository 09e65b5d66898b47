package xrpc

import (
	"net/http"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
)

// request is one request on its way through a [Mux]: what the steps find out about it, and what has
// become of its response.
type request struct {
	mux     *Mux
	id      string // of the method, as the client wrote it
	w       trackingWriter
	r       *http.Request
	caller  auth.Caller
	account auth.Account    // the caller's, if the policy asks for one
	lexicon *lexicon.Method // of the method, nil if it isn't known
	failure string          // the name of the error that the client is told, "" for none
}

// classify finds what the client is told of err, nil for an internal error.
func (q *request) classify(err error) *Error { return classify(err, q.mux.cfg.Errors) }

// checksOutput reports whether what is sent is compared with the lexicon.
func (q *request) checksOutput() bool { return q.lexicon != nil && q.mux.cfg.CheckOutput }
