package pds_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/pds"
)

// A device is registered with the service that the body names, or the header if there is one.
func TestProxyPush(t *testing.T) {
	view, push, other := newUpstream(t, ok), newUpstream(t, ok), newUpstream(t, ok)
	w := start(t, view.serves(), withApps, func(c *pds.Config) {
		c.Proxy.Services = append(c.Proxy.Services, pds.Service{ID: push.did() + "#bsky_notif", URL: push.URL})
	})
	alice := w.signUp(t, "alice")
	const register, unregister = "app.bsky.notification.registerPush", "app.bsky.notification.unregisterPush"
	body := func(service string) object {
		return object{"serviceDid": service, "token": "t", "platform": "ios", "appId": "a"}
	}
	for _, method := range []string{register, unregister} {
		for _, service := range []*upstream{view, push} {
			alice.post(t, method, body(service.did())).decode(t, nil)
			r := service.last(t)
			w.claims(t, r, service.did(), method)
			if r.ContentLength <= 0 || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d bytes, %v", method, r.ContentLength, r.Header)
			}
		}
		if view.count() != push.count() {
			t.Errorf("%s: %d and %d requests", method, view.count(), push.count())
		}
	}
	raw := `{"serviceDid":"` + push.did() + `"}`
	res := read(t, alice.with(t, "POST", register, strings.NewReader(raw), "Atproto-Proxy", other.id(), "Content-Type", "application/json"))
	if res.status != 200 || other.count() != 1 {
		t.Errorf("by the header: %s", res)
	}
	alice.post(t, register, body(other.did())).refused(t, 400, "InvalidRequest", "service url")
	for _, wrong := range []object{{}, {"serviceDid": "push.example.com"}, {"serviceDid": 7}} {
		alice.post(t, register, wrong).refused(t, 400, "InvalidRequest", "serviceDid")
	}
	for scope, status := range map[string]int{
		"atproto rpc:" + register + "?aud=" + url.QueryEscape(push.did()) + "%23bsky_notif": 200,
		"atproto rpc:" + register + "?aud=" + url.QueryEscape(view.did()) + "%23bsky_notif": 403,
		"atproto rpc:" + unregister + "?aud=*":                                              403,
	} {
		if res := w.asApp(t, alice, scope, "POST", register, strings.NewReader(raw)); res.status != status {
			t.Errorf("%s: %s", scope, res)
		}
	}
	anybody := &user{world: w}
	anybody.post(t, register, body(push.did())).refused(t, 401, "AuthMissing", "")
}
