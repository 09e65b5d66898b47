package preference

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// Namespace is a namespace whose preferences are kept. None is within another.
type Namespace struct {
	Name string      // of which all types of preferences are, such as "app.bsky"
	Get  syntax.NSID // the method that returns the preferences
	Put  syntax.NSID // the method that replaces them

	// Private are the types that only people who have logged in with the account's own password see
	// and change.
	Private []string

	// Derived are types that can't be stored, and Derive makes them of what is. It may be nil.
	Derived []string
	Derive  func(stored []json.RawMessage, now time.Time) []json.RawMessage
}

// Handler is what the methods need. All fields are required.
type Handler struct {
	Accounts   *hosting.Accounts
	Documents  storage.Documents
	Namespaces []Namespace
	Proxy      Proxy
	Now        func() time.Time
}

// Proxy passes requests on to other services.
type Proxy interface {
	// Audience names the service that a request is for, as far as the caller's permission is
	// concerned.
	Audience(id syntax.NSID, r *http.Request) string

	// Elsewhere reports whether that is another than the one whose preferences are kept here.
	Elsewhere(id syntax.NSID, r *http.Request) bool

	// Forward passes the request on.
	Forward(w http.ResponseWriter, c *xrpc.Call[struct{}], id syntax.NSID) error
}

// Methods returns two methods for each namespace.
func (h *Handler) Methods() (methods []xrpc.Method) {
	account := auth.Session.OrApp().In(auth.NotTakenDown)
	for _, n := range h.Namespaces {
		methods = append(methods,
			xrpc.Raw(n.Get.String(), account.OrTakendown().Or(auth.Moderator), http.MethodGet, h.get(n)).Around(h.here(n.Get)),
			xrpc.Raw(n.Put.String(), account, http.MethodPost, h.put(n)).Around(h.here(n.Put)))
	}
	return methods
}

type (
	call    = *xrpc.Call[struct{}]
	handler = func(w http.ResponseWriter, c call) error
)

// here passes on the requests that are for another service.
func (h *Handler) here(id syntax.NSID) func(w http.ResponseWriter, c call, next func() error) error {
	return func(w http.ResponseWriter, c call, next func() error) error {
		if err := c.Caller.May(auth.CallPermission(id.String(), h.Proxy.Audience(id, c.Request))); err != nil {
			return err
		}
		if h.Proxy.Elsewhere(id, c.Request) {
			return h.Proxy.Forward(w, c, id)
		}
		return next()
	}
}
