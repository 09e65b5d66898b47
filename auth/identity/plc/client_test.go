package plc

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
)

func newClient(t testing.TB, url string) *Client {
	t.Helper()
	c, err := NewClient(ClientConfig{URL: url, UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serve(t testing.TB, h http.Handler) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return newClient(t, srv.URL+"/")
}

func TestClient(t *testing.T) {
	d := newDirectory(t, DirectoryConfig{})
	c := serve(t, d)
	k := newSigner(t)
	genesis := sign(t, &Operation{State: stateOf("alice", k)}, k)
	did := didOf(t, genesis)
	ctx := t.Context()

	for name, get := range map[string]func() error{
		"Resolve":  func() error { _, err := c.resolve(ctx, did); return err },
		"Data":     func() error { _, err := c.Data(ctx, did); return err },
		"Log":      func() error { _, err := c.log(ctx, did); return err },
		"AuditLog": func() error { _, err := c.auditLog(ctx, did); return err },
		"LastOp":   func() error { _, err := c.LastOp(ctx, did); return err },
	} {
		err := get()
		var e *Error
		if !errors.Is(err, ErrNotFound) || errors.Is(err, ErrUnavailable) || !errors.As(err, &e) ||
			e.Message != "DID not registered: "+did.String() {
			t.Errorf("%s: %v", name, err)
		}
	}

	if err := c.Submit(ctx, did, genesis); err != nil {
		t.Fatal(err)
	}
	update := sign(t, &Operation{State: stateOf("bob", k), Prev: cidOf(t, genesis)}, k)
	for range 2 { // the second time, it's there already
		if err := c.Submit(ctx, did, update); err != nil {
			t.Fatal(err)
		}
	}
	if e := refusal(c.Submit(ctx, did, genesis)); e == nil || e.Status != 400 || e.Message != orderMessage {
		t.Error(e)
	}

	doc, err := c.resolve(ctx, did)
	if err != nil || doc.AlsoKnownAs[0] != "at://bob.test" {
		t.Error(doc, err)
	}
	data, err := c.Data(ctx, did)
	if err != nil || !data.State.Equal(update.State) {
		t.Error(data, err)
	}
	ops, err := c.log(ctx, did)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Op{genesis, update}, ops); diff != "" {
		t.Error(diff)
	}
	last, err := c.LastOp(ctx, did)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Op(update), last); diff != "" {
		t.Error(diff)
	}
	audit, err := c.auditLog(ctx, did)
	if err != nil || len(audit) != 2 {
		t.Fatal(audit, err)
	}
	if err := verify(did, audit); err != nil {
		t.Error(err)
	}
}

// refusal returns the *Error in an error, or nil.
func refusal(err error) *Error {
	var e *Error
	errors.As(err, &e)
	return e
}

func TestClientRefusesOtherDIDs(t *testing.T) {
	c := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	for _, did := range []syntax.DID{"did:web:example.com", "did:plc:../export", ""} {
		if _, err := c.Data(t.Context(), did); !errors.Is(err, ErrNotPLC) {
			t.Error(err)
		}
		if err := c.Submit(t.Context(), did, &Operation{}); !errors.Is(err, ErrNotPLC) {
			t.Error(err)
		}
	}
}

func TestClientInTrouble(t *testing.T) {
	const did = syntax.DID("did:plc:ewvi7nxzyoun6zhxrhs64oiz")
	answer := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			w.Write([]byte(body))
		})
	}
	for name, h := range map[string]http.Handler{
		"500":              answer(500, `{"message":"Internal Server Error"}`),
		"502 of a proxy":   answer(502, `<html>`),
		"429":              answer(429, ``),
		"not JSON":         answer(200, `<html>`),
		"another document": answer(200, `{"id":"did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"}`),
		"a redirect":       http.RedirectHandler("https://example.com/", http.StatusFound),
		"too much":         answer(200, `"`+strings.Repeat("x", maxLogBytes)+`"`),
		"an abrupt end": http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}),
	} {
		c := serve(t, h)
		if _, err := c.resolve(t.Context(), did); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := c.LastOp(t.Context(), did); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	srv := httptest.NewServer(answer(200, `{}`))
	srv.Close()
	c := newClient(t, srv.URL)
	if _, err := c.Data(t.Context(), did); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	if err := c.Submit(t.Context(), did, &Operation{}); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Data(ctx, did); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	_, err := serve(t, answer(502, "<html>")).Data(t.Context(), did)
	if e := refusal(err); e == nil || e.Error() != "plc: status 502 Bad Gateway" {
		t.Error(err)
	}
}

// TestClientLostAnswer: the directory takes an operation, but its answer doesn't arrive.
func TestClientLostAnswer(t *testing.T) {
	d := newDirectory(t, DirectoryConfig{})
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			d.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		d.ServeHTTP(w, r)
	}))
	k := newSigner(t)
	genesis := sign(t, &Operation{State: stateOf("alice", k)}, k)
	for range 2 {
		if err := c.Submit(t.Context(), didOf(t, genesis), genesis); err != nil {
			t.Error(err)
		}
	}
}

func TestNewClientURL(t *testing.T) {
	if c := newClient(t, ""); c.URL() != DefaultURL {
		t.Error(c.URL())
	}
	for _, url := range []string{
		"plc.directory", "ftp://plc.directory", "https://", "https://plc.directory/x", "https://a?b", ":",
	} {
		if _, err := NewClient(ClientConfig{URL: url}); err == nil {
			t.Errorf("%q passes", url)
		}
	}
}
