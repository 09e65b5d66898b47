package pds_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// custom are methods of a host's own: one of each kind, and one in place of a built-in.
func custom() []xrpc.Method {
	staff := auth.PolicyFunc("Staff", func(_ context.Context, c auth.Caller) error {
		if c.Extra != "staff" {
			return auth.ErrForbidden
		}
		return nil
	}).Unasked()
	empty := func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) { return &struct{}{}, nil }
	return []xrpc.Method{
		xrpc.Query("com.example.custom.query", auth.Session.In(auth.NotTakenDown), empty),
		xrpc.Procedure("com.example.custom.procedure", staff, empty),
		xrpc.Subscription("com.example.custom.subscription", auth.Session.In(auth.NotTakenDown),
			func(_ context.Context, _ *xrpc.Call[struct{}], out *xrpc.Stream) error {
				return out.Send("#hello", map[string]any{"who": "you"})
			}),
		xrpc.Raw("com.example.custom.raw", staff, http.MethodPost,
			func(w http.ResponseWriter, c *xrpc.Call[struct{}]) error {
				var body [100]byte
				n, err := c.Request.Body.Read(body[:])
				if n > 0 {
					w.Write(body[:n])
					return nil
				}
				return err
			}).WithMaxBody(10),
		xrpc.Override(xrpc.Procedure("com.atproto.server.activateAccount", staff, empty)),
	}
}

// requests are ways to ask for a method: as it is meant to be asked, by HEAD, and with a body that no method takes, for a
// WebSocket or not.
func requests(m xrpc.Method) []*http.Request {
	path := xrpc.Prefix + m.ID.String()
	body := func() *http.Request {
		r := httptest.NewRequest(m.Verb, path, strings.NewReader("{"))
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	list := []*http.Request{httptest.NewRequest(m.Verb, path, nil), body(), body()}
	list[2].Header.Set("Upgrade", "websocket")
	list[2].Header.Set("Connection", "Upgrade")
	list[2].Header.Set("Sec-WebSocket-Version", "13")
	list[2].Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	if m.Verb == http.MethodGet {
		list = append(list, httptest.NewRequest(http.MethodHead, path, nil))
	}
	return list
}

// TestNoMethodAnswersWithoutItsPolicy replaces the policy of every method, and of nothing else, by one that notes that it ran
// and refuses. No request reaches a handler then, and all get what the policy said.
func TestNoMethodAnswersWithoutItsPolicy(t *testing.T) {
	p := pdstest.New(t)
	p.Handle(custom()...)
	methods := p.Methods()
	if len(methods) <= len(custom()) {
		t.Fatalf("just %d methods", len(methods))
	}
	ran, reached := map[string]int{}, map[string]int{}
	for _, m := range methods {
		id := m.ID.String()
		m.Policy = auth.PolicyFunc("probe", func(context.Context, auth.Caller) error {
			ran[id]++
			return auth.ErrForbidden.Named("ProbeSaysNo", id)
		}).Unasked()
		p.Handle(xrpc.Override(m.Around(
			func(_ http.ResponseWriter, _ *xrpc.Call[struct{}], next func() error) error {
				reached[id]++
				return next()
			})))
	}
	for _, m := range methods {
		id := m.ID.String()
		for i, r := range requests(m) {
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			var e struct{ Error, Message string }
			json.Unmarshal(w.Body.Bytes(), &e)
			if e.Error != "ProbeSaysNo" || e.Message != id || w.Code != http.StatusForbidden {
				t.Errorf("%s: request %d got %d %s", id, i, w.Code, w.Body)
			}
		}
		if want := len(requests(m)); ran[id] != want || reached[id] != 0 {
			t.Errorf("%s: of %d requests the policy saw %d and the handler %d", id, want, ran[id], reached[id])
		}
	}
}

// TestPolicyDecides asks for every method as every kind of caller. Whom the policy refuses gets exactly what it says; whom it
// admits isn't refused that way.
func TestPolicyDecides(t *testing.T) {
	var alice syntax.DID
	callerOf := func(kind auth.Kind) auth.Caller {
		c := auth.Caller{Kind: kind}
		if kind != auth.KindAnonymous && kind != auth.KindAdmin {
			c.DID = alice
		}
		return c
	}
	p := pdstest.New(t, func(c *pds.Config) {
		c.Authenticators = auth.Schemes{"Test": auth.AuthenticatorFunc(func(_ *http.Request, c auth.Credentials) (auth.Caller, error) {
			return callerOf(auth.Kind(strings.ReplaceAll(c.Token, "-", " "))), nil
		})}
	})
	alice = p.Account(t, "alice").DID
	p.Handle(custom()...)
	reached := false
	methods := p.Methods()
	for _, m := range methods {
		p.Handle(xrpc.Override(m.Around(
			func(w http.ResponseWriter, _ *xrpc.Call[struct{}], _ func() error) error {
				reached = true
				w.WriteHeader(http.StatusTeapot)
				return nil
			})))
	}
	kinds := []auth.Kind{
		auth.KindAnonymous, auth.KindSession, auth.KindAppPassword, auth.KindPrivilegedAppPassword, auth.KindTakendown,
		auth.KindRefresh, auth.KindOAuth, auth.KindService, auth.KindModerator, auth.KindAdmin, "unheard of",
	}
	for _, m := range methods {
		for _, kind := range kinds {
			reached = false
			r := httptest.NewRequest(m.Verb, xrpc.Prefix+m.ID.String(), nil)
			if kind != auth.KindAnonymous {
				r.Header.Set("Authorization", "Test "+strings.ReplaceAll(string(kind), " ", "-"))
			}
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			refused := m.Policy.Check(t.Context(), callerOf(kind), nil)
			if refused == nil {
				if !reached || w.Code != http.StatusTeapot {
					t.Errorf("%s admits %q, and answers %d %s", m.ID, kind, w.Code, w.Body)
				}
				continue
			}
			var want *auth.Error
			if !errors.As(refused, &want) {
				t.Fatalf("%s refuses %q with %v", m.ID, kind, refused)
			}
			var got struct{ Error, Message string }
			json.Unmarshal(w.Body.Bytes(), &got)
			if diff := cmp.Diff(struct{ Error, Message string }{want.Name, want.Message}, got); diff != "" || reached {
				t.Errorf("%s refuses %q (-want +got), handler reached: %t\n%s", m.ID, kind, reached, diff)
			}
		}
	}
}
