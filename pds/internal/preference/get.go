package preference

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// preferences is the body of both methods.
type preferences struct {
	Preferences []json.RawMessage `json:"preferences"`
}

func (h *Handler) get(n Namespace) handler {
	return func(w http.ResponseWriter, c call) error {
		ctx := c.Request.Context()
		did, err := h.subject(c)
		if err != nil {
			return err
		}
		stored, err := h.load(ctx, did, n)
		if err != nil {
			return err
		}
		if n.Derive != nil {
			stored = append(stored, n.Derive(stored, h.Now())...)
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

// subject returns the DID of the account whose preferences a caller asks for: their own, or for a moderator that
// of anybody. Error: auth.ErrAccountNotFound.
func (h *Handler) subject(c call) (syntax.DID, error) {
	if c.Caller.Kind != auth.KindModerator {
		return c.Account.DID, nil
	}
	var in struct {
		DID syntax.DID `json:"did"`
	}
	if err := xrpc.DecodeParams(c.Request, &in); err != nil {
		return "", err
	}
	account, err := h.Accounts.CallerAccount(c.Request.Context(), in.DID)
	return account.DID, err
}
