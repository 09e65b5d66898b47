package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/pds/xrpc"
)

func start(t *testing.T) *pdstest.PDS {
	p := pdstest.New(t)
	p.Handle(listen(p.Server, p.Config.Store))
	return p
}

// dial listens in the room "tea".
func dial(t *testing.T, p *pdstest.PDS, who *pdstest.Account, params string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), p.URL+"/xrpc/com.example.chat.listen?room=tea"+params, &websocket.DialOptions{
		HTTPClient: p.HTTP, Subprotocols: []string{xrpc.TextProtocol},
		HTTPHeader: http.Header{"Authorization": {"Bearer " + who.Access}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	return conn
}

type frame struct {
	Payload struct {
		Type string `json:"$type"`
		Seq  int64
		URI  syntax.ATURI
		Text string
		DID  syntax.DID
	}
}

// hear returns the next n messages, and the seq of the last.
func hear(t *testing.T, conn *websocket.Conn, n int) (heard []string, last int64) {
	t.Helper()
	for range n {
		_, raw, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var f frame
		if err := json.Unmarshal(raw, &f); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		_, kind, _ := strings.Cut(f.Payload.Type, "#")
		last = f.Payload.Seq
		heard = append(heard, strings.TrimSpace(fmt.Sprint(kind, " ", f.Payload.URI.RecordKey(), " ", f.Payload.Text)))
	}
	return heard, last
}

func say(t *testing.T, who *pdstest.Account, rkey, room, text string) {
	t.Helper()
	err := who.Client.Post(t.Context(), "com.atproto.repo.putRecord", map[string]any{
		"repo": who.DID, "collection": collection, "rkey": rkey, "record": said{Room: room, Text: text},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

func TestChat(t *testing.T) {
	p := start(t)
	alice, bob := p.Account(t, "alice"), p.Account(t, "bob")
	conn := dial(t, p, bob, "&cursor=0")
	say(t, alice, "a", "tea", "anyone?")
	say(t, alice, "b", "coffee", "not for bob")
	say(t, bob, "c", "tea", "me")
	heard, last := hear(t, conn, 2)
	say(t, alice, "a", "tea", "everyone!")
	say(t, bob, "c", "coffee", "gone over")
	if err := p.Repo(alice.DID).Delete(t.Context(), collection, "a"); err != nil {
		t.Fatal(err)
	}
	more, _ := hear(t, conn, 3)
	want := []string{"said a anyone?", "said c me", "said a everyone!", "unsaid c", "unsaid a"}
	if diff := cmp.Diff(want, append(heard, more...)); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	again, _ := hear(t, dial(t, p, alice, fmt.Sprint("&cursor=", last)), 3)
	if diff := cmp.Diff(want[2:], again); diff != "" {
		t.Errorf("heard after the cursor (-want +got):\n%s", diff)
	}
	if err := bob.Client.Post(t.Context(), "com.atproto.server.deactivateAccount", map[string]any{}, nil); err != nil {
		t.Fatal(err)
	}
	if gone, _ := hear(t, conn, 1); !strings.HasPrefix(gone[0], "left") {
		t.Errorf("when bob left: %s", gone)
	}
}

func TestListenersAreMembers(t *testing.T) {
	p := start(t)
	_, res, err := websocket.Dial(t.Context(), p.URL+"/xrpc/com.example.chat.listen?room=tea",
		&websocket.DialOptions{HTTPClient: p.HTTP})
	if err == nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger listens: %v", err)
	}
	conn := dial(t, p, p.Account(t, "alice"), "&cursor=1000000")
	if _, raw, err := conn.Read(t.Context()); err != nil || !strings.Contains(string(raw), "BadCursor") {
		t.Errorf("a cursor of the future: %s, %v", raw, err)
	}
}
