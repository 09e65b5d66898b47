package xrpc

import (
	"net/http"
	"reflect"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
)

// Raw makes a method whose bodies aren't JSON, or that answers as it goes: fn reads the request's
// body and writes the response itself. The verb is http.MethodGet for a query and http.MethodPost
// for a procedure. In is a struct of the parameters in the URL, as for a [Query], or struct{} if
// there are none. An error that fn returns is answered as any other, unless the response has begun:
// then the connection is cut.
//
// It panics if id isn't an NSID or In can't be decoded from parameters.
func Raw[In any](
	id string, policy auth.Policy, verb string, fn func(w http.ResponseWriter, c *Call[In]) error,
) Method {
	decode := decodeParams[In](id)
	return Method{
		ID: mustNSID(id), Verb: verb, Policy: policy,
		serve: func(q *request) error {
			c := newCall[In](q)
			if err := decode(q, &c.Input); err != nil {
				return err
			}
			return fn(&q.w, &c)
		},
		form: form{raw: true, checkTypes: func(l *lexicon.Method) error {
			return l.CheckParamTypes(reflect.TypeFor[In]())
		}},
	}
}
