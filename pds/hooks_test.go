package pds_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atclient"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
)

// refusal returns the name of the error that a client got, "" for none.
func refusal(t testing.TB, err error) string {
	t.Helper()
	var e *atclient.APIError
	if err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	if err == nil {
		return ""
	}
	return e.Name
}

func TestHookBeforeAccount(t *testing.T) {
	var asked []string
	p := pdstest.New(t, func(c *pds.Config) {
		c.Hooks.BeforeAccount = func(_ context.Context, s pds.SignUp) error {
			asked = append(asked, s.Handle.String()+" "+s.Email+" "+s.InviteCode+" "+s.Request.Header.Get("X-Captcha"))
			if s.InviteCode != "friend" {
				return xrpc.Errorf("InvalidInviteCode", "Friends only")
			}
			return nil
		}
	})
	client := p.Client()
	client.Headers.Set("X-Captcha", "solved")
	signUp := func(name, code string) string {
		return refusal(t, client.Post(t.Context(), "com.atproto.server.createAccount", map[string]any{
			"handle": name + ".test", "email": name + "@Example.com", "password": "secret-password", "inviteCode": code,
		}, nil))
	}
	if got := signUp("alice", ""); got != "InvalidInviteCode" {
		t.Errorf("refused by the hook, the client got %q", got)
	}
	if _, err := p.Config.Store.AccountByHandle(t.Context(), "alice.test"); err == nil {
		t.Error("the account that the hook refused is there")
	}
	if got := signUp("alice", "friend"); got != "" {
		t.Errorf("allowed by the hook, the client got %q", got)
	}
	p.Account(t, "bob") // the host's own doing
	want := []string{"alice.test alice@example.com  solved", "alice.test alice@example.com friend solved"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("the hook was asked about (-want +got):\n%s", diff)
	}
}

// guestbook lets people sign only as themselves, briefly.
func guestbook(_ context.Context, r pds.WriteRequest) error {
	for _, w := range r.Writes {
		if w.Action == repo.Delete || w.Collection != "com.example.signature" {
			continue
		}
		var signature struct{ By syntax.DID }
		if err := w.Decode(&signature); err != nil || signature.By != r.Caller.DID {
			return xrpc.Errorf("NotYou", "%s is not %s", w.RecordKey, r.Caller.DID)
		}
	}
	return nil
}

func TestHookBeforeWrite(t *testing.T) {
	p := pdstest.New(t, func(c *pds.Config) { c.Hooks.BeforeWrite = guestbook })
	alice := p.Account(t, "alice")
	write := func(method syntax.NSID, by syntax.DID) string {
		record := map[string]any{"by": by}
		return refusal(t, alice.Client.Post(t.Context(), method, map[string]any{
			"repo": alice.DID, "collection": "com.example.signature", "rkey": "self", "record": record,
			"writes": []any{map[string]any{"$type": "com.atproto.repo.applyWrites#create",
				"collection": "com.example.signature", "rkey": "other", "value": record}},
		}, nil))
	}
	for _, method := range []syntax.NSID{
		"com.atproto.repo.createRecord", "com.atproto.repo.putRecord", "com.atproto.repo.applyWrites",
	} {
		before, err := p.Config.Store.Head(t.Context(), alice.DID)
		if err != nil {
			t.Fatal(err)
		}
		if got := write(method, "did:plc:somebodyelse"); got != "NotYou" {
			t.Errorf("%s: refused by the hook, the client got %q", method, got)
		}
		if after, err := p.Config.Store.Head(t.Context(), alice.DID); err != nil || after.Rev != before.Rev {
			t.Errorf("%s: refused by the hook, and yet %s became %s (%v)", method, before.Rev, after.Rev, err)
		}
		if got := write(method, alice.DID); got != "" {
			t.Errorf("%s: allowed by the hook, the client got %q", method, got)
		}
	}
	host := map[string]any{"by": "did:plc:somebodyelse"}
	if _, _, err := p.Repo(alice.DID).Put(t.Context(), "com.example.signature", "hosts", host); err != nil {
		t.Errorf("the host's own write is refused: %v", err)
	}
}

// TestHookSeesDeletions: the hook is asked about what takes a record away, too, and about record keys that are made.
func TestHookSeesDeletions(t *testing.T) {
	var asked []pds.Write
	p := pdstest.New(t, func(c *pds.Config) {
		c.Hooks.BeforeWrite = func(_ context.Context, r pds.WriteRequest) error {
			asked = append(asked, r.Writes...)
			return nil
		}
	})
	alice := p.Account(t, "alice")
	var created struct{ URI syntax.ATURI }
	err := alice.Client.Post(t.Context(), "com.atproto.repo.createRecord", map[string]any{
		"repo": alice.DID, "collection": "com.example.thing", "record": map[string]any{},
	}, &created)
	if err != nil {
		t.Fatal(err)
	}
	rkey := created.URI.RecordKey()
	err = alice.Client.Post(t.Context(), "com.atproto.repo.deleteRecord", map[string]any{
		"repo": alice.DID, "collection": "com.example.thing", "rkey": rkey,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []pds.Write{
		{Action: repo.Create, Collection: "com.example.thing", RecordKey: rkey, Value: json.RawMessage("{}")},
		{Action: repo.Delete, Collection: "com.example.thing", RecordKey: rkey},
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("the hook was asked about (-want +got):\n%s", diff)
	}
}

func TestHookBeforeUpload(t *testing.T) {
	p := pdstest.New(t, func(c *pds.Config) {
		c.Hooks.BeforeUpload = func(_ context.Context, u pds.Upload) error {
			if !strings.HasPrefix(u.MIMEType, "image/") || u.Size > 10 {
				return xrpc.Errorf("OnlyImages", "Only small images, %s", u.Caller.DID)
			}
			return nil
		}
	})
	alice := p.Account(t, "alice")
	for _, test := range []struct{ mimeType, body, want string }{
		{"text/plain", "text", "OnlyImages"},
		{"image/x-large", "a large image", "OnlyImages"},
		{"image/x-small", "small", ""},
	} {
		request := httptest.NewRequest("POST", "/xrpc/com.atproto.repo.uploadBlob", strings.NewReader(test.body))
		request.Header.Set("Content-Type", test.mimeType)
		request.Header.Set("Authorization", "Bearer "+alice.Access)
		recorder := httptest.NewRecorder()
		p.ServeHTTP(recorder, request)
		var got struct{ Error string }
		if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil || got.Error != test.want {
			t.Errorf("%s: got %s, want %q", test.mimeType, recorder.Body, test.want)
		}
	}
}

func TestHookHandleAllowed(t *testing.T) {
	p := pdstest.New(t, func(c *pds.Config) {
		c.Hooks.HandleAllowed = func(_ context.Context, h syntax.Handle) error {
			if strings.HasPrefix(h.String(), "rude") {
				return xrpc.Errorf("HandleNotAvailable", "Not here")
			}
			return nil
		}
	})
	alice := p.Account(t, "alice")
	for handle, want := range map[string]string{"rude.test": "HandleNotAvailable", "polite.test": ""} {
		err := alice.Client.Post(t.Context(), "com.atproto.identity.updateHandle", map[string]any{"handle": handle}, nil)
		if got := refusal(t, err); got != want {
			t.Errorf("change to %s: got %q, want %q", handle, got, want)
		}
		err = p.Client().Post(t.Context(), "com.atproto.server.createAccount", map[string]any{
			"handle": "x" + handle, "email": handle + "@example.com", "password": "secret-password",
		}, nil)
		if got := refusal(t, err); got != "" {
			t.Errorf("sign-up as x%s: %q", handle, got)
		}
	}
	err := p.Client().Post(t.Context(), "com.atproto.server.createAccount", map[string]any{
		"handle": "rude.test", "email": "rude@example.com", "password": "secret-password",
	}, nil)
	if got := refusal(t, err); got != "HandleNotAvailable" {
		t.Errorf("sign-up as rude.test: %q", got)
	}
}

func TestHookInternalError(t *testing.T) {
	p := pdstest.New(t, func(c *pds.Config) {
		c.Hooks.BeforeWrite = func(context.Context, pds.WriteRequest) error { return errors.New("the host's database is hunter2") }
	})
	alice := p.Account(t, "alice")
	err := alice.Client.Post(t.Context(), "com.atproto.repo.createRecord", map[string]any{
		"repo": alice.DID, "collection": "com.example.thing", "record": map[string]any{},
	}, nil)
	if got := refusal(t, err); got != "InternalServerError" || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the client got %v", err)
	}
}

func TestHookMeasure(t *testing.T) {
	var mu sync.Mutex
	var got []xrpc.Measurement
	var clock *pdstest.Clock
	p := pdstest.New(t, func(c *pds.Config) {
		c.Hooks.Measure = func(_ context.Context, m xrpc.Measurement) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, m)
		}
	})
	clock = p.Clock
	p.Handle(
		xrpc.Query("com.example.slow", auth.Public, func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) {
			clock.Advance(3 * time.Second)
			return &struct{}{}, nil
		}),
		xrpc.Query("com.example.panic", auth.Public, func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) {
			panic("at the disco")
		}),
	)
	client := p.Client()
	for _, method := range []syntax.NSID{
		"com.example.slow", "com.example.panic", "com.example.unknown", "com.atproto.server.getSession",
	} {
		refusal(t, client.Get(t.Context(), method, nil, nil))
	}
	want := []xrpc.Measurement{
		{Method: "com.atproto.server.getSession", Registered: true, Status: 401, Error: "AuthMissing"},
		{Method: "com.example.panic", Registered: true, Status: 500, Error: "InternalServerError"},
		{Method: "com.example.slow", Registered: true, Status: 200, Duration: 3 * time.Second},
		{Method: "com.example.unknown", Status: 501, Error: "MethodNotImplemented"},
	}
	mu.Lock()
	defer mu.Unlock()
	slices.SortFunc(got, func(a, b xrpc.Measurement) int { return strings.Compare(a.Method.String(), b.Method.String()) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("measured (-want +got):\n%s", diff)
	}
}

// TestHookIsNotDeceived: encoding/json takes properties for the same that differ in case, or by letters that are like each
// other in it; others, who read the record, don't.
func TestHookIsNotDeceived(t *testing.T) {
	type profile struct {
		DisplayName string `json:"displayName"`
	}
	p := pdstest.New(t, func(c *pds.Config) {
		c.Hooks.BeforeWrite = func(_ context.Context, r pds.WriteRequest) error {
			var v profile
			if err := r.Writes[0].Decode(&v); err != nil {
				return err
			}
			if v.DisplayName == "Official" {
				return auth.ErrForbidden
			}
			return nil
		}
	})
	alice := p.Account(t, "alice")
	for record, want := range map[string]string{
		`{"displayName":"Alice"}`:                               "",
		`{"displayName":"Official"}`:                            "Forbidden",
		`{"displayName":"Official","displayname":"Alice"}`:      "Forbidden",
		`{"displayName":"Official","di\u017fplayName":"Alice"}`: "Forbidden",
		`{"displayName":"Alice","more":{"a":1,"A":2}}`:          "",
		`{"displayName":1}`:                                     "InvalidRequest",
	} {
		err := alice.Client.Post(t.Context(), "com.atproto.repo.createRecord", map[string]any{
			"repo": alice.DID, "collection": "com.example.profile", "record": json.RawMessage(record),
		}, nil)
		if got := refusal(t, err); got != want || strings.Contains(fmt.Sprint(err), "Go struct") {
			t.Errorf("%s: %v, want %q", record, err, want)
		}
	}
}
