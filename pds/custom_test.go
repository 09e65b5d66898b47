package pds_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// withStaff makes the scheme "Staff" known, whose credential becomes the caller's Extra.
func withStaff(c *pds.Config) {
	c.Authenticators = auth.Schemes{"Staff": auth.AuthenticatorFunc(func(_ *http.Request, c auth.Credentials) (auth.Caller, error) {
		return auth.Caller{Kind: "staff", Extra: c.Token}, nil
	})}
}

// TestCustomEndpoints: a host's own methods, in bodies, limits, errors and headers, are like the built-in ones.
func TestCustomEndpoints(t *testing.T) {
	p := pdstest.New(t, withStaff)
	p.Handle(custom()...)
	alice := p.Account(t, "alice")
	session := "Bearer " + alice.Access
	for _, test := range []struct {
		name, verb, method, authorization, body string
		status                                  int
		want                                    string
	}{
		{"query", "GET", "com.example.custom.query", session, "", 200, "{}"},
		{"query of nobody", "GET", "com.example.custom.query", "", "", 401, "AuthMissing"},
		{"query by POST", "POST", "com.example.custom.query", session, "", 400, "Incorrect HTTP method"},
		{"procedure", "POST", "com.example.custom.procedure", "Staff staff", "", 200, "{}"},
		{"procedure of a host's own policy", "POST", "com.example.custom.procedure", session, "", 403, "Forbidden"},
		{"raw", "POST", "com.example.custom.raw", "Staff staff", "raw bytes", 200, "raw bytes"},
		{"raw beyond its limit", "POST", "com.example.custom.raw", "Staff staff", "too many bytes", 413, "PayloadTooLarge"},
		{"subscription without a WebSocket", "GET", "com.example.custom.subscription", session, "", 426, "UpgradeRequired"},
		{"override", "POST", "com.atproto.server.activateAccount", "Staff staff", "", 200, "{}"},
		{"override has its own policy", "POST", "com.atproto.server.activateAccount", session, "", 403, "Forbidden"},
		{"built-in", "GET", "com.atproto.server.getSession", session, "", 200, "alice.test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.verb, xrpc.Prefix+test.method, strings.NewReader(test.body))
			r.Header.Set("Content-Type", "application/octet-stream")
			if test.authorization != "" {
				r.Header.Set("Authorization", test.authorization)
			}
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, test.status, test.want)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" {
				t.Errorf("CORS: %q", got)
			}
		})
	}
}

// TestCustomSubscription: a host's own stream speaks both encodings, is limited by address, and is measured at its end.
func TestCustomSubscription(t *testing.T) {
	measured := make(chan xrpc.Measurement, 10)
	p := pdstest.New(t, func(c *pds.Config) {
		c.StreamsPerAddress = 1
		c.Hooks.Measure = func(_ context.Context, m xrpc.Measurement) { measured <- m }
	})
	release := make(chan struct{})
	p.Handle(xrpc.Subscription("com.example.greet", auth.Public,
		func(ctx context.Context, c *xrpc.Call[struct {
			Name string `json:"name"`
		}], out *xrpc.Stream) error {
			if err := out.Send("#greeting", map[string]any{"to": c.Input.Name, "$type": "ignored"}); err != nil {
				return err
			}
			<-release
			return xrpc.Errorf("Tired", "No more")
		}))
	want := [][]string{
		{`{"$type":"message","payload":{"$type":"com.example.greet#greeting","to":"you"}}`,
			`{"$type":"error","error":"Tired","message":"No more"}`},
		{"map[op:1 t:#greeting] map[to:you]", "map[op:-1] map[error:Tired message:No more]"},
	}
	for i, protocols := range [][]string{{xrpc.TextProtocol}, nil} {
		conn, _, err := websocket.Dial(t.Context(), p.URL+"/xrpc/com.example.greet?name=you",
			&websocket.DialOptions{HTTPClient: p.HTTP, Subprotocols: protocols})
		if err != nil {
			t.Fatal(err)
		}
		first := readFrame(t, conn)
		_, res, err := websocket.Dial(t.Context(), p.URL+"/xrpc/com.example.greet?name=you",
			&websocket.DialOptions{HTTPClient: p.HTTP})
		if err == nil || res.StatusCode != http.StatusTooManyRequests {
			t.Errorf("a second stream from the address: %v", err)
		}
		release <- struct{}{}
		if diff := cmp.Diff(want[i], []string{first, readFrame(t, conn)}); diff != "" {
			t.Errorf("frames (-want +got):\n%s", diff)
		}
		conn.CloseNow()
		wantMeasured := []xrpc.Measurement{
			{Method: "com.example.greet", Registered: true, Status: 429, Error: "RateLimitExceeded"},
			{Method: "com.example.greet", Registered: true, Status: 101, Error: "Tired"},
		}
		if diff := cmp.Diff(wantMeasured, []xrpc.Measurement{<-measured, <-measured}); diff != "" {
			t.Errorf("measured (-want +got):\n%s", diff)
		}
	}
}

// readFrame returns a frame as a string: JSON as it came, and CBOR as Go prints it.
func readFrame(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	kind, frame, err := conn.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if kind == websocket.MessageText {
		if !json.Valid(frame) {
			t.Errorf("not JSON: %s", frame)
		}
		return string(frame)
	}
	for n := 1; n < len(frame); n++ { // two items in a row
		header, errHeader := atdata.UnmarshalCBOR(frame[:n])
		body, errBody := atdata.UnmarshalCBOR(frame[n:])
		if errHeader == nil && errBody == nil {
			return fmt.Sprint(header, " ", body)
		}
	}
	t.Fatalf("not two items of CBOR: %x", frame)
	return ""
}
