package xrpc

import (
	"context"
	"net/http"
	"reflect"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
)

// Query makes a query. In is a struct of its parameters, or struct{} if there are none. A nil *Out is answered by an
// empty body.
//
// It panics if id isn't an NSID or In can't be decoded from parameters.
func Query[In, Out any](id string, policy auth.Policy, fn func(context.Context, *Call[In]) (*Out, error)) Method {
	return typed(id, http.MethodGet, policy, decodeParams[In](id), fn)
}

// Procedure makes a procedure whose input and output are JSON. In is struct{} if it has no input. A nil *Out is answered
// by an empty body. Parameters that it has besides are held against its lexicon; [DecodeParams] decodes them.
//
// It panics if id isn't an NSID.
func Procedure[In, Out any](id string, policy auth.Policy, fn func(context.Context, *Call[In]) (*Out, error)) Method {
	return typed(id, http.MethodPost, policy, decodeInput[In](id), fn)
}

func typed[In, Out any](
	id, verb string, policy auth.Policy, decode func(*request, *In) error,
	fn func(context.Context, *Call[In]) (*Out, error),
) Method {
	return Method{
		ID: mustNSID(id), Verb: verb, Policy: policy,
		serve: func(q *request) error {
			c := newCall[In](q)
			if err := decode(q, &c.Input); err != nil {
				return err
			}
			out, err := fn(q.r.Context(), &c)
			if err != nil {
				return err
			}
			return respond(q, out)
		},
		form: form{checkTypes: func(l *lexicon.Method) error {
			return l.CheckTypes(reflect.TypeFor[In](), reflect.TypeFor[Out]())
		}},
	}
}
