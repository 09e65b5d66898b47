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
	account := auth.Session.OrApp().In(auth.NotTakenDown)
	for _, n := range s.Namespaces {
		methods = append(methods,
			xrpc.Raw(n.Get.String(), account.OrTakendown().Or(auth.Moderator), http.MethodGet, s.get(n)).Around(s.here(n.Get)),
			xrpc.Raw(n.Put.String(), account, http.MethodPost, s.put(n)).Around(s.here(n.Put)))
	}
	return methods
}

type (
	call    = *xrpc.Call[struct{}]
	handler = func(w http.ResponseWriter, c call) error
)

// here passes on the requests that are for another service.
func (s *Server) here(id syntax.NSID) func(w http.ResponseWriter, c call, next func() error) error {
	return func(w http.ResponseWriter, c call, next func() error) error {
		if err := c.Caller.May(auth.CallPermission(id.String(), s.Audience(id, c.Request))); err != nil {
			return err
		}
		if s.Elsewhere(id, c.Request) {
			return s.Forward(w, c.Request, c.Caller, id)
		}
		return next()
	}
}
