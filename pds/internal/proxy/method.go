package proxy

import (
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/service"
	"github.com/pdskit/pdskit/pds/xrpc"
)

const createReport syntax.NSID = "com.atproto.moderation.createReport"

// Method returns a method that passes a request on: the fallback of the server's mux. Error: an *xrpc.Error if the request
// is for nobody, or isn't to be passed on.
func (h *Handler) Method(id syntax.NSID, r *http.Request) (xrpc.Method, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
		return xrpc.Method{}, xrpc.InvalidRequest("XRPC requests only supports GET and POST")
	}
	if service.Protected(id) {
		return xrpc.Method{}, auth.ErrInvalidToken.With("Bad token method")
	}
	t, err := h.target(id, r)
	if err != nil {
		return xrpc.Method{}, err
	}
	if isPush(id) && r.Header.Get(Header) == "" {
		return h.pushMethod(id), nil
	}
	return xrpc.Raw(id.String(), policy(id, t), r.Method,
		func(w http.ResponseWriter, c *xrpc.Call[struct{}]) error {
			return h.forward(w, c, id, t)
		}).WithMaxBody(h.MaxRequest), nil
}

// policy says who may have a method answered by a target.
func policy(id syntax.NSID, t target) auth.Policy {
	p := auth.Session
	switch {
	case id == createReport:
		p = auth.Session.OrTakendown() // to appeal
	case service.Privileged(id):
		p = auth.PrivilegedSession
	}
	needs := []auth.Permission{auth.CallPermission(id.String(), t.String())}
	if id == getFeed {
		needs = append(needs, auth.CallPermission(getFeedSkeleton.String(), t.String()))
	}
	return p.OrApp(needs...).In(auth.NotTakenDown)
}

// Elsewhere reports whether a request names another service than the one that is set for a method, which the server
// answers itself in the place of that one.
func (h *Handler) Elsewhere(id syntax.NSID, r *http.Request) bool {
	named := r.Header.Get(Header)
	own, err := h.defaultTarget(id)
	return err == nil && named != "" && named != own.String()
}

// Audience names the service that a request is for, as [Header] does; "*" if there is none.
func (h *Handler) Audience(id syntax.NSID, r *http.Request) string {
	if t, err := h.target(id, r); err == nil {
		return t.String()
	}
	return "*"
}

// Forward passes a request on to the service that it names, for a caller whom a policy has let in. It asks for
// permission to call the method there.
func (h *Handler) Forward(w http.ResponseWriter, c *xrpc.Call[struct{}], id syntax.NSID) error {
	t, err := h.target(id, c.Request)
	if err != nil {
		return err
	}
	if err := policy(id, t).Check(c.Request.Context(), c.Caller, nil); err != nil {
		return err
	}
	return h.forward(w, c, id, t)
}

// forward passes a request on in the name of the caller's account. The account may be deactivated: its owner may
// still read.
func (h *Handler) forward(w http.ResponseWriter, c *xrpc.Call[struct{}], id syntax.NSID, t target) error {
	r, did := c.Request, c.Account.DID
	t, err := h.resolve(r.Context(), t)
	if err != nil {
		return err
	}
	p, patched := h.patches[id]
	switch {
	case xrpc.IsUpgrade(r):
		return h.tunnel(w, r, did, id, t)
	case patched && r.Method == http.MethodGet:
		return h.patch(w, r, did, t, p)
	}
	return h.pass(w, r, did, id, t)
}
