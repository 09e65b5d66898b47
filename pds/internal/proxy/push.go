package proxy

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// pushService is the ID of the service that sends notifications to devices, in the document of its DID.
const pushService = "bsky_notif"

// isPush reports whether a method registers a device with a service that the body names. It is older than the header by
// which clients name one for any method.
func isPush(id syntax.NSID) bool {
	return id == "app.bsky.notification.registerPush" || id == "app.bsky.notification.unregisterPush"
}

// pushMethod passes a request on to the service that its body names. Whether an app may call that, is seen when it is
// known.
func (h *Handler) pushMethod(id syntax.NSID) xrpc.Method {
	return xrpc.Raw(id.String(), auth.Session.OrApp().In(auth.NotTakenDown), http.MethodPost,
		func(w http.ResponseWriter, c *xrpc.Call[struct{}]) error {
			t, err := h.pushTarget(c.Request)
			if err != nil {
				return err
			}
			if err := policy(id, t).Check(c.Request.Context(), c.Caller, nil); err != nil {
				return err
			}
			return h.forward(w, c, id, t)
		})
}

// pushTarget reads a request's body, which can be read again after that.
func (h *Handler) pushTarget(r *http.Request) (target, error) {
	if err := xrpc.CheckContentType(r, "application/json"); err != nil {
		return target{}, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return target{}, err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	var in struct {
		ServiceDID string `json:"serviceDid"`
	}
	_ = json.Unmarshal(body, &in) // if it isn't JSON, there is no DID
	did, err := syntax.ParseDID(in.ServiceDID)
	if err != nil {
		return target{}, xrpc.InvalidRequest("Input/serviceDid must be a DID")
	}
	t := target{did: did, service: pushService}
	for _, located := range h.located {
		if located.did == did && (t.url == nil || located.service == pushService) {
			t.url = located.url
		}
	}
	return t, nil
}
