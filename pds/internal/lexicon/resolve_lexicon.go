package lexicon

import (
	"context"
	"errors"
	"log/slog"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// Handler answers the methods of com.atproto.lexicon. All fields are required.
type Handler struct {
	Resolver *lexicon.Resolver
	Logger   *slog.Logger
}

// Methods returns the methods of com.atproto.lexicon.
func (h *Handler) Methods() []xrpc.Method {
	return []xrpc.Method{xrpc.Query("com.atproto.lexicon.resolveLexicon", auth.Public, h.resolveLexicon)}
}

type resolveLexiconParams struct {
	NSID syntax.NSID `json:"nsid"`
}

type resolveLexiconOutput struct {
	URI    syntax.ATURI   `json:"uri"`
	CID    string         `json:"cid"`
	Schema map[string]any `json:"schema"`
}

// resolveLexicon returns a lexicon as its authority publishes it, whatever the server itself knows of it. Error:
// LexiconNotFound.
func (h *Handler) resolveLexicon(ctx context.Context, c *xrpc.Call[resolveLexiconParams]) (*resolveLexiconOutput, error) {
	found, err := h.Resolver.Resolve(ctx, c.Input.NSID)
	switch {
	case errors.Is(err, lexicon.ErrNotFound):
		return nil, xrpc.Errorf("LexiconNotFound", "No lexicon is published as %s", c.Input.NSID)
	case errors.Is(err, lexicon.ErrResolution):
		h.Logger.InfoContext(ctx, "lexicon: a lexicon can't be resolved", "nsid", c.Input.NSID, "err", err)
		return nil, xrpc.Errorf("LexiconNotFound", "Could not resolve the lexicon %s", c.Input.NSID)
	case err != nil:
		return nil, err
	}
	return &resolveLexiconOutput{URI: found.URI, CID: found.CID.String(), Schema: found.Record}, nil
}
