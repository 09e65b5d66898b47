package proxy

import (
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// Anonymous returns what passes a query on, as anybody's, to the service that is set for it; nil if none is. What [Header]
// names doesn't count: nobody has the server ask services of their choice without an account.
func (s *Server) Anonymous(id syntax.NSID) func(w http.ResponseWriter, r *http.Request) error {
	set, err := s.defaultTarget(id)
	if err != nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		t, err := s.resolve(r.Context(), set)
		if err != nil {
			return err
		}
		return s.pass(w, r, storage.Account{}, id, t)
	}
}
