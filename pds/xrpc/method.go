package xrpc

import (
	"context"
	"net/http"
	"reflect"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
)

// DefaultMaxBody is the limit of a request's body where a method sets none, in bytes.
const DefaultMaxBody = 150 << 10

// Method is one endpoint: what [Query] and [Procedure] make, and what a host fills in where bodies aren't JSON.
type Method struct {
	// Required.

	ID     syntax.NSID
	Verb   string // http.MethodGet for a query, http.MethodPost for a procedure
	Policy auth.Policy

	// Handler answers a request of a caller whom the policy has let in. What it returns as an error is answered as the
	// package says, unless the response has begun, and then the connection is cut.
	Handler func(w http.ResponseWriter, r *http.Request, caller auth.Caller) error

	// MaxBody limits the request's body, in bytes. If zero, [DefaultMaxBody]; if negative, there is no limit.
	MaxBody int64

	override bool

	in, out reflect.Type    // of the typed function; nil if there is none
	lexicon *lexicon.Method // nil if it isn't known
	stream  bool
}

// Override lets a method take the place of one with the same ID.
func Override(m Method) Method {
	m.override = true
	return m
}

// WithMaxBody changes the limit of the request's body, in bytes.
func (m Method) WithMaxBody(n int64) Method {
	m.MaxBody = n
	return m
}

// Call is a request whose input is decoded and whose caller the policy has let in.
type Call[In any] struct {
	Input  In
	Caller auth.Caller

	// Request is the HTTP request. Its body has been read if there was an input.
	Request *http.Request

	// Header is that of the response, to be added to.
	Header http.Header
}

// Query makes a query. In is a struct of its parameters, or struct{} if there are none. A nil *Out is answered by an
// empty body.
//
// It panics if id isn't an NSID or In can't be decoded from parameters.
func Query[In, Out any](id string, policy auth.Policy, fn func(context.Context, *Call[In]) (*Out, error)) Method {
	plan := newPlan(id, reflect.TypeFor[In](), true)
	return typed(id, http.MethodGet, policy, fn, func(r *http.Request, in *In, l *lexicon.Method) error {
		if err := plan.decodeParams(r.URL.RawQuery, reflect.ValueOf(in).Elem()); err != nil {
			return err
		}
		return checkParams(l, r.URL.RawQuery)
	})
}

// Procedure makes a procedure whose input and output are JSON. In is struct{} if it has no input. A nil *Out is answered
// by an empty body. Parameters that it has besides are held against its lexicon; [DecodeParams] decodes them.
//
// It panics if id isn't an NSID.
func Procedure[In, Out any](id string, policy auth.Policy, fn func(context.Context, *Call[In]) (*Out, error)) Method {
	plan := newPlan(id, reflect.TypeFor[In](), false)
	return typed(id, http.MethodPost, policy, fn, func(r *http.Request, in *In, l *lexicon.Method) error {
		if err := checkParams(l, r.URL.RawQuery); err != nil {
			return err
		}
		if len(plan.fields) == 0 {
			return nil
		}
		return plan.decodeJSON(r, in, l)
	})
}

func typed[In, Out any](id, verb string, policy auth.Policy, fn func(context.Context, *Call[In]) (*Out, error),
	decode func(*http.Request, *In, *lexicon.Method) error) Method {
	handler := func(w http.ResponseWriter, r *http.Request, caller auth.Caller) error {
		c := Call[In]{Caller: caller, Request: r, Header: w.Header()}
		if err := decode(r, &c.Input, lexiconOf(w)); err != nil {
			return err
		}
		out, err := fn(r.Context(), &c)
		if err != nil {
			return err
		}
		return respond(w, out)
	}
	return Method{
		ID: mustNSID(id), Verb: verb, Policy: policy, Handler: handler,
		in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
	}
}

// DecodeParams decodes a request's parameters into in, a pointer to a struct, as those of a [Query] are, and holds them
// against the method's lexicon. It is for handlers that write their response themselves. It panics if the struct can't be
// decoded from parameters.
func DecodeParams(r *http.Request, in any) error {
	v := reflect.ValueOf(in).Elem()
	if err := planFor(v.Type()).decodeParams(r.URL.RawQuery, v); err != nil {
		return err
	}
	l, _ := r.Context().Value(lexiconKey{}).(*lexicon.Method)
	return checkParams(l, r.URL.RawQuery)
}

func mustNSID(id string) syntax.NSID {
	nsid, err := syntax.ParseNSID(id)
	if err != nil {
		panic("xrpc: " + id + " is not an NSID")
	}
	return nsid
}
