package xrpc

import (
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
)

// DefaultMaxBody is the limit of a request's body where a method sets none, in bytes.
const DefaultMaxBody = 150 << 10

// Method is one endpoint. [Query], [Procedure], [Raw] and [Subscription] make it.
type Method struct {
	ID     syntax.NSID
	Verb   string // http.MethodGet or http.MethodPost
	Policy auth.Policy

	serve    handler
	maxBody  int64 // bytes. If zero, DefaultMaxBody; if negative, there is no limit.
	override bool
	form     form
}

// handler answers a request that the policy has admitted. The package doc says what becomes of its
// error.
type handler func(*request) error

// form is what a method's lexicon is compared with.
type form struct {
	raw, stream bool
	checkTypes  func(*lexicon.Method) error
}

// Override lets a method take the place of one with the same ID.
func Override(m Method) Method {
	m.override = true
	return m
}

// WithMaxBody changes the limit of the request's body, in bytes. If n is negative, there is none.
func (m Method) WithMaxBody(n int64) Method {
	m.maxBody = n
	return m
}

// Around returns the method with fn around it. fn runs once the policy has admitted the caller,
// before the input is decoded. It either answers itself or calls next, which has the method answer,
// and returns the error. When a [Query] or a [Procedure] has refused a request, fn may still answer
// it another way.
func (m Method) Around(fn func(w http.ResponseWriter, c *Call[struct{}], next func() error) error) Method {
	inner := m.serve
	m.serve = func(q *request) error {
		c := newCall[struct{}](q)
		return fn(&q.w, &c, func() error { return inner(q) })
	}
	return m
}

// Call is a request whose input is decoded and whose caller the policy has let in.
type Call[In any] struct {
	Input  In
	Caller auth.Caller

	// Account is the caller's, if the policy asks for one: see [auth.Policy.In].
	Account auth.Account

	// Request is the HTTP request. Its body has been read if there was an input.
	Request *http.Request

	// Header is that of the response, to be added to.
	Header http.Header
}

func newCall[In any](q *request) Call[In] {
	return Call[In]{Caller: q.caller, Account: q.account, Request: q.r, Header: q.w.Header()}
}

func mustNSID(id string) syntax.NSID {
	nsid, err := syntax.ParseNSID(id)
	if err != nil {
		panic("xrpc: " + id + " is not an NSID")
	}
	return nsid
}
