package proxy

import (
	"context"
	"errors"
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/service"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

const createReport syntax.NSID = "com.atproto.moderation.createReport"

// Method returns a method that passes a request on: the fallback of the server's mux. Error: an *xrpc.Error if the request
// is for nobody, or isn't to be passed on.
func (s *Server) Method(id syntax.NSID, r *http.Request) (xrpc.Method, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
		return xrpc.Method{}, xrpc.InvalidRequest("XRPC requests only supports GET and POST")
	}
	if service.Protected(id) {
		return xrpc.Method{}, auth.ErrInvalidToken.With("Bad token method")
	}
	t, err := s.target(id, r)
	if err != nil {
		return xrpc.Method{}, err
	}
	if isPush(id) && r.Header.Get(Header) == "" {
		return s.pushMethod(id), nil
	}
	return xrpc.Raw(id.String(), policy(id, t), r.Method,
		func(w http.ResponseWriter, c *xrpc.Call[struct{}]) error {
			return s.forward(w, c.Request, c.Caller, id, t)
		}).WithMaxBody(s.MaxRequest), nil
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
func (s *Server) Elsewhere(id syntax.NSID, r *http.Request) bool {
	named := r.Header.Get(Header)
	own, err := s.defaultTarget(id)
	return err == nil && named != "" && named != own.String()
}

// Audience names the service that a request is for, as [Header] does; "*" if there is none.
func (s *Server) Audience(id syntax.NSID, r *http.Request) string {
	if t, err := s.target(id, r); err == nil {
		return t.String()
	}
	return "*"
}

// Forward passes a request on to the service that it names, for a caller whom a policy has let in. It asks for
// permission to call the method there.
func (s *Server) Forward(w http.ResponseWriter, r *http.Request, caller auth.Caller, id syntax.NSID) error {
	t, err := s.target(id, r)
	if err != nil {
		return err
	}
	if err := policy(id, t).Check(r.Context(), caller, nil); err != nil {
		return err
	}
	return s.forward(w, r, caller, id, t)
}

func (s *Server) forward(w http.ResponseWriter, r *http.Request, caller auth.Caller, id syntax.NSID, t target) error {
	account, err := s.account(r.Context(), caller)
	if err != nil {
		return err
	}
	if t, err = s.resolve(r.Context(), t); err != nil {
		return err
	}
	p, patched := s.patches[id]
	switch {
	case xrpc.IsUpgrade(r):
		return s.tunnel(w, r, account, id, t)
	case patched && r.Method == http.MethodGet:
		return s.patch(w, r, account, t, p)
	}
	return s.pass(w, r, account, id, t)
}

// account finds the caller's account, in whose name a token is to be signed. It may be deactivated: then its owner decides
// whether to come back, and reads meanwhile.
func (s *Server) account(ctx context.Context, caller auth.Caller) (storage.Account, error) {
	a, err := s.Accounts.Account(ctx, caller.DID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return a, auth.ErrAccountNotFound
	case err != nil:
		return a, err
	case a.TakedownRef != "" && caller.Kind != auth.KindTakendown:
		return a, auth.ErrAccountTakedown
	}
	return a, nil
}
