package preference

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// Namespace is a namespace whose preferences are kept. None is within another.
type Namespace struct {
	Name string      // of which all types of preferences are, such as "app.bsky"
	Get  syntax.NSID // the method that returns the preferences
	Put  syntax.NSID // the method that replaces them

	// Private are the types that only people who have logged in with the account's own password see and change.
	Private []string

	// Derived are types that can't be stored, and Derive makes them of what is. It may be nil.
	Derived []string
	Derive  func(stored []json.RawMessage, now time.Time) []json.RawMessage
}

// Server is what the methods need. All fields are required.
type Server struct {
	Accounts   storage.Accounts
	Namespaces []Namespace

	// Own finds the caller's own account, active or not, unless it is taken down.
	Own func(ctx context.Context, caller auth.Caller) (storage.Account, error)

	// Audience names the service that a request is for, as far as the caller's permission is concerned. Elsewhere
	// reports whether that is another than the one whose preferences are kept here, and Forward passes the request on.
	Audience  func(id syntax.NSID, r *http.Request) string
	Elsewhere func(id syntax.NSID, r *http.Request) bool
	Forward   func(w http.ResponseWriter, r *http.Request, caller auth.Caller, id syntax.NSID) error

	Now func() time.Time
}

// Methods returns two methods for each namespace.
func (s *Server) Methods() (methods []xrpc.Method) {
	for _, n := range s.Namespaces {
		methods = append(methods,
			xrpc.Method{
				ID: n.Get, Verb: http.MethodGet, Policy: auth.SessionOrModerator.OrApp(),
				Handler: s.here(n.Get, func(w http.ResponseWriter, r *http.Request, caller auth.Caller) error {
					return s.get(w, r, caller, n)
				}),
			},
			xrpc.Method{
				ID: n.Put, Verb: http.MethodPost, Policy: auth.Session.OrApp(),
				Handler: s.here(n.Put, func(w http.ResponseWriter, r *http.Request, caller auth.Caller) error {
					return s.put(w, r, caller, n)
				}),
			})
	}
	return methods
}

type handler func(w http.ResponseWriter, r *http.Request, caller auth.Caller) error

// here calls next for requests that aren't for another service.
func (s *Server) here(id syntax.NSID, next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, caller auth.Caller) error {
		if err := caller.May(auth.CallPermission(id.String(), s.Audience(id, r))); err != nil {
			return err
		}
		if s.Elsewhere(id, r) {
			return s.Forward(w, r, caller, id)
		}
		return next(w, r, caller)
	}
}
