package preference

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/pdskit/pdskit/pds/xrpc"
)

func (h *Handler) put(n Namespace) handler {
	return func(w http.ResponseWriter, c call) error {
		r := c.Request
		given, err := readPreferences(r)
		if err != nil {
			return err
		}
		fresh, err := n.check(given, full(c.Caller))
		if err != nil {
			return err
		}
		kept := func(p json.RawMessage) bool { return !full(c.Caller) && n.isPrivate(p) }
		if err := h.replace(r.Context(), c.Account, n, kept, fresh); err != nil {
			return err
		}
		w.WriteHeader(http.StatusOK)
		return nil
	}
}

func readPreferences(r *http.Request) ([]json.RawMessage, error) {
	if err := xrpc.CheckContentType(r, "application/json"); err != nil {
		return nil, err
	}
	var in struct {
		Preferences *[]json.RawMessage `json:"preferences"`
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, xrpc.InvalidRequest("The request body is not valid JSON of preferences")
	}
	if in.Preferences == nil {
		return nil, xrpc.InvalidRequest(`Input must have the property "preferences"`)
	}
	return *in.Preferences, nil
}

// check returns those of the given preferences that are stored.
func (n Namespace) check(given []json.RawMessage, full bool) (fresh values, err error) {
	var forbidden []string
	for _, p := range given {
		t := typeOf(p)
		switch {
		case t == "":
			return nil, xrpc.InvalidRequest("Preference is missing a $type")
		case !n.has(t):
			return nil, xrpc.InvalidRequest("Some preferences are not in the %s namespace", n.Name)
		case !full && n.isPrivate(p):
			forbidden = append(forbidden, t)
		case !slices.Contains(n.Derived, t):
			fresh = append(fresh, p)
		}
	}
	if len(forbidden) > 0 {
		return nil, xrpc.InvalidRequest("Do not have authorization to set preferences: %s", strings.Join(forbidden, ", "))
	}
	return fresh, nil
}
