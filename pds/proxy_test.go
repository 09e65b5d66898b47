package pds_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/patch"
	"github.com/pdskit/pdskit/storage"
)

func TestProxyRequest(t *testing.T) {
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html")
		h.Set("Content-Language", "de")
		h.Set("Atproto-Repo-Rev", "3jzfcijpj2z2a")
		h.Set("Atproto-Content-Labelers", "did:web:labels.example.com")
		h.Set("X-Extra", "yes")
		h.Set("Set-Cookie", "a=b")
		h.Set("Access-Control-Allow-Origin", "https://other.example.com")
		h.Set("X-Secret", "no")
		w.WriteHeader(http.StatusAccepted)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.Method, body)
	})
	w := start(t, view.serves(), func(c *pds.Config) {
		c.Proxy.RequestHeaders = []string{"x-mine", "Authorization", "Accept-Encoding"}
		c.Proxy.ResponseHeaders = []string{"x-extra"}
	})
	alice := w.signUp(t, "alice")
	res := alice.with(t, "POST", "com.example.thing.do?a=1&a=%20%2F", strings.NewReader("hello"),
		"Content-Type", "text/plain; charset=utf-8", "Accept-Language", "de,en", "Atproto-Accept-Labelers", "did:web:labels.example.com",
		"X-Bsky-Topics", "cats", "X-Mine", "1", "Cookie", "a=b", "X-Forwarded-For", "192.0.2.1", "User-Agent", "browser", "X-Other", "1",
		"Accept-Encoding", "br, gzip;q=0.5")
	got := read(t, res)
	if got.status != http.StatusAccepted || string(got.body) != "POST hello" {
		t.Errorf("got %s", got)
	}
	r := view.last(t)
	if r.URL.Path != "/xrpc/com.example.thing.do" || r.URL.RawQuery != "a=1&a=%20%2F" || r.ContentLength != 5 {
		t.Errorf("the service is asked for %s, with %d bytes", r.URL, r.ContentLength)
	}
	want := http.Header{
		"Content-Type": {"text/plain; charset=utf-8"}, "Accept-Language": {"de,en"}, "Content-Length": {"5"},
		"Atproto-Accept-Labelers": {"did:web:labels.example.com"}, "X-Bsky-Topics": {"cats"}, "X-Mine": {"1"},
		"Accept-Encoding": {"gzip"}, "User-Agent": {"pdskit"}, "Authorization": r.Header["Authorization"],
	}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Errorf("request headers (-want +got):\n%s", diff)
	}
	delete(got.header, "Date")
	want = http.Header{
		"Content-Type": {"text/html"}, "Content-Language": {"de"}, "Content-Length": {"10"}, "Atproto-Repo-Rev": {"3jzfcijpj2z2a"},
		"Atproto-Content-Labelers": {"did:web:labels.example.com"}, "X-Extra": {"yes"},
		"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {"*"},
		"Cache-Control": {"private"}, "Vary": {"Authorization"},
		"X-Content-Type-Options": {"nosniff"}, "Content-Security-Policy": {"default-src 'none'; sandbox"},
	}
	if diff := cmp.Diff(want, got.header); diff != "" {
		t.Errorf("response headers (-want +got):\n%s", diff)
	}

	header, claims := w.claims(t, r, view.did(), "com.example.thing.do")
	if header["kid"] != "#atproto" || header["typ"] != "JWT" || header["alg"] != "ES256K" {
		t.Errorf("the token's header is %v", header)
	}
	if claims["iss"] != alice.did.String() || claims["exp"].(float64)-claims["iat"].(float64) != 60 || claims["jti"] == "" {
		t.Errorf("the token's claims are %v", claims)
	}
}

// A service is asked for what the client and the server both understand, and told of a body if there is one.
func TestProxyEncoding(t *testing.T) {
	view := newUpstream(t, ok)
	alice := start(t, view.serves()).signUp(t, "alice")
	alice.with(t, "GET", "com.example.thing", nil, "Content-Type", "text/plain", "Content-Language", "de")
	for _, name := range []string{"Content-Type", "Content-Language"} {
		if got := view.last(t).Header.Get(name); got != "" {
			t.Errorf("without a body, %s is %q", name, got)
		}
	}
	for accepted, want := range map[string]string{
		"br": "identity", "gzip": "gzip", "br, GZIP ; q=0.5": "gzip", "*": "gzip", "gzip;q=0": "identity",
		"*;q=0": "identity", "gzip;q=0, *": "identity", "*, gzip;q=0.0": "identity", "*;q=0, gzip": "gzip", "gzip;q=x": "identity",
	} {
		alice.with(t, "GET", "com.example.thing", nil, "Accept-Encoding", accepted)
		if got := view.last(t).Header.Get("Accept-Encoding"); got != want {
			t.Errorf("%q: the service is asked for %q, want %q", accepted, got, want)
		}
	}
}

// A service that a client names is found by its DID; the operator's choice is for those that name none.
func TestProxyTargets(t *testing.T) {
	all, some, one, named, inside := newUpstream(t, ok), newUpstream(t, ok), newUpstream(t, ok), newUpstream(t, ok), newUpstream(t, ok)
	const nextDoor = "did:web:inside.example.invalid" // which nobody resolves
	w := start(t, all.serves(), some.serves("com.example.*", "com.example.deep.one"), one.serves("com.example.deep.*", "com.example.one"),
		func(c *pds.Config) {
			c.Proxy.Services = append(c.Proxy.Services, pds.Service{ID: nextDoor + "#view", URL: inside.URL})
		})
	alice := w.signUp(t, "alice")
	for _, test := range []struct {
		method, header string
		want           *upstream
	}{
		{"org.example.thing", "", all},
		{"com.examples.thing", "", all},
		{"com.example.thing", "", some},
		{"com.example.deep.thing", "", one},
		{"com.example.deep.one", "", some},
		{"com.example.one", "", one},
		{"com.example.one", named.id(), named},
		{"com.example.one", some.id(), some},
		{"com.example.one", nextDoor + "#view", inside},
		{"com.atproto.identity.resolveIdentity", "", all},
	} {
		before := test.want.count()
		res := read(t, alice.with(t, "GET", test.method, nil, "Atproto-Proxy", test.header))
		if res.status != 200 || test.want.count() != before+1 {
			t.Errorf("%s %q: %s, and not by whom it should", test.method, test.header, res)
		}
		audience := test.want.did()
		if test.want == inside {
			audience = nextDoor
		}
		w.claims(t, test.want.last(t), audience, test.method)
	}
}

func TestProxyRefusals(t *testing.T) {
	view := newUpstream(t, ok)
	w := start(t, view.serves("com.example.*"))
	alice := w.signUp(t, "alice")
	for _, test := range []struct {
		verb, method, header string
		status               int
		name, text           string
	}{
		{"GET", "org.example.thing", "", 501, "MethodNotImplemented", ""},
		{"GET", "not-an-nsid", "", 400, "InvalidRequest", "NSID"},
		{"GET", "com.example.thing", "#view", 400, "InvalidRequest", "no did"},
		{"GET", "com.example.thing", "did:web:example.com", 400, "InvalidRequest", "no service id"},
		{"GET", "com.example.thing", "did:web:example.com#", 400, "InvalidRequest", "no service id"},
		{"GET", "com.example.thing", "did:web:example.com#a#b", 400, "InvalidRequest", "format"},
		{"GET", "com.example.thing", "did:web:example.com #a", 400, "InvalidRequest", "format"},
		{"GET", "com.example.thing", "did:web:example.com#a b", 400, "InvalidRequest", "format"},
		{"GET", "com.example.thing", "example.com#a", 400, "InvalidRequest", "format"},
		{"GET", "com.example.thing", "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa#a", 400, "InvalidRequest", "could not resolve proxy did"},
		{"GET", "com.example.thing", view.did() + "#other", 400, "InvalidRequest", "service url"},
		{"GET", "com.example.thing", view.did() + "#below", 400, "InvalidRequest", "service url"},
		{"PUT", "com.example.thing", "", 400, "InvalidRequest", "GET and POST"},
		{"GET", "com.atproto.identity.signPlcOperation", view.id(), 400, "InvalidToken", "Bad token method"},
		{"POST", "com.atproto.Server.UpdateEmail", view.id(), 400, "InvalidToken", "Bad token method"},
	} {
		read(t, alice.with(t, test.verb, test.method, nil, "Atproto-Proxy", test.header)).refused(t, test.status, test.name, test.text)
	}
	w.get(t, "", "com.example.thing").refused(t, 401, "AuthMissing", "")
	w.get(t, "", "org.example.thing").refused(t, 501, "MethodNotImplemented", "")
	w.get(t, "x.y.z", "com.example.thing").refused(t, 400, "InvalidToken", "")
	w.doAs(t, "GET", "/xrpc/com.example.thing", basic("admin-password"), "", nil).refused(t, 400, "InvalidToken", "")
	if view.count() != 0 {
		t.Errorf("the service got %d requests", view.count())
	}

	w.setStatus(t, alice, func(a *storage.Account) { a.DeactivatedAt = time.Now() })
	alice.get(t, "com.example.thing").decode(t, nil)
	w.setStatus(t, alice, func(a *storage.Account) { a.TakedownRef = "x" })
	alice.get(t, "com.example.thing").refused(t, 401, "AccountTakedown", "")
}

// Who isn't logged in by the account's own password, or an app password that is privileged, reads no private messages.
func TestProxyByTokenKind(t *testing.T) {
	view := newUpstream(t, ok)
	w := start(t, view.serves(), withApps)
	alice := w.signUp(t, "alice")
	const chat, plain, report = "chat.bsky.convo.getLog", "com.example.thing", "com.atproto.moderation.createReport"
	for _, test := range []struct {
		scope, method string
		name          string // of the error
	}{
		{session.ScopeAccess, chat, ""},
		{session.ScopeAppPassPrivileged, chat, ""},
		{session.ScopeAppPass, chat, "InvalidToken"},
		{session.ScopeAppPass, "CHAT.bsky.convo.getlog", "InvalidToken"},
		{session.ScopeAppPass, plain, ""},
		{session.ScopeTakendown, plain, "InvalidToken"},
		{session.ScopeTakendown, report, ""},
	} {
		token := w.token(t, alice.did, test.scope)
		res := w.do(t, "GET", "/xrpc/"+test.method, token, "", nil)
		if res.name() != test.name || (res.status == 200) != (test.name == "") {
			t.Errorf("%s by %s: %s", test.method, test.scope, res)
		}
	}
	for _, test := range []struct {
		scope, method string
		name          string
	}{
		{"atproto rpc:com.example.thing?aud=" + url.QueryEscape(view.id()), plain, ""},
		{"atproto rpc:com.example.thing?aud=*", plain, ""},
		{"atproto rpc:com.example.thing?aud=did:web:other.example.com%23view", plain, "ScopeMissingError"},
		{"atproto rpc:com.example.other?aud=*", plain, "ScopeMissingError"},
		{"rpc:com.example.thing?aud=*", plain, "ScopeMissingError"},
		{"atproto transition:generic", plain, ""},
		{"atproto transition:generic", chat, "ScopeMissingError"},
		{"atproto transition:chat.bsky", chat, ""},
	} {
		res := w.asApp(t, alice, test.scope, "GET", test.method, nil)
		if res.name() != test.name || (res.status == 200) != (test.name == "") {
			t.Errorf("%s by %q: %s", test.method, test.scope, res)
		}
	}
}

func TestProxyConfig(t *testing.T) {
	base := start(t).config
	for _, service := range []pds.Service{
		{ID: "did:web:example.com", Methods: []string{"*"}},
		{ID: "#x", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", URL: "example.com", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", URL: "https://example.com/path", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", URL: "https://user@example.com", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", URL: "https://example.com?x", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", URL: "https://example.com#x", Methods: []string{"*"}},
		{ID: "did:web:example.com#x", Methods: []string{"com.example*"}},
	} {
		c := base
		c.Proxy.Services = []pds.Service{service}
		if _, err := pds.New(c); err == nil {
			t.Errorf("%+v is accepted", service)
		}
	}
	apply := func(context.Context, *patch.Answer) error { return nil }
	for _, p := range []patch.Patch{
		{Method: "com.example.thing", Apply: apply},
		{Method: "com.example.thing", Collections: []syntax.NSID{"com.example.record"}},
		{Collections: []syntax.NSID{"com.example.record"}, Apply: apply},
	} {
		c := base
		c.Proxy.Patches = []patch.Patch{p}
		if _, err := pds.New(c); err == nil {
			t.Errorf("the patch of %q is accepted", p.Method)
		}
	}
}
