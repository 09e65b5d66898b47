package proxy

import (
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Anonymous passes requests for a query on, as anybody's, to the service that is set for it.
type Anonymous struct {
	handler *Handler
	id      syntax.NSID
	set     target
}

// Anonymous returns an [Anonymous] for a query; ok is false if no service is set for it. It ignores [Header]: only
// account holders may choose a service.
func (h *Handler) Anonymous(id syntax.NSID) (a Anonymous, ok bool) {
	set, err := h.defaultTarget(id)
	return Anonymous{h, id, set}, err == nil
}

// Answer answers a request with what the service answers.
func (a Anonymous) Answer(w http.ResponseWriter, r *http.Request) error {
	t, err := a.handler.resolve(r.Context(), a.set)
	if err != nil {
		return err
	}
	return a.handler.pass(w, r, "", a.id, t)
}
