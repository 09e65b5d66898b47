package preference

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// preferences is the body of both methods.
type preferences struct {
	Preferences []json.RawMessage `json:"preferences"`
}

func (s *Server) get(n Namespace) handler {
	return func(w http.ResponseWriter, c call) error {
		ctx := c.Request.Context()
		did, err := s.subject(c)
		if err != nil {
			return err
		}
		stored, err := s.load(ctx, did, n)
		if err != nil {
			return err
		}
		if n.Derive != nil {
			stored = append(stored, n.Derive(stored, s.Now())...)
		}
		if !full(c.Caller) {
			stored = slices.DeleteFunc(stored, n.isPrivate)
		}
		if stored == nil {
			stored = []json.RawMessage{}
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		return json.NewEncoder(w).Encode(preferences{stored})
	}
}

// full reports whether a caller sees all preferences.
func full(c auth.Caller) bool { return c.Kind == auth.KindSession || c.Kind == auth.KindModerator }

// subject finds out whose preferences a caller asks for: their own, or as a moderator those of anybody.
func (s *Server) subject(c call) (syntax.DID, error) {
	caller, did := c.Caller, c.Caller.DID
	if caller.Kind == auth.KindModerator {
		var in struct {
			DID syntax.DID `json:"did"`
		}
		if err := xrpc.DecodeParams(c.Request, &in); err != nil {
			return "", err
		}
		did = in.DID
	}
	a, err := s.Accounts.Account(c.Request.Context(), did)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return "", auth.ErrAccountNotFound
	case err == nil && a.TakedownRef != "" && caller.Kind != auth.KindTakendown && caller.Kind != auth.KindModerator:
		return "", auth.ErrAccountTakedown
	}
	return did, err
}
