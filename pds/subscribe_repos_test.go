package pds_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	indigo "github.com/bluesky-social/indigo/atproto/repo"
	"github.com/coder/websocket"

	"github.com/pdskit/pdskit/firehose"
)

// subscriber reads a subscription.
type subscriber struct {
	conn *websocket.Conn
	ctx  context.Context
}

func (w *world) subscribe(t testing.TB, query string, protocols ...string) *subscriber {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.url, "http")+"/xrpc/com.atproto.sync.subscribeRepos"+query,
		&websocket.DialOptions{Subprotocols: protocols, CompressionMode: websocket.CompressionNoContextTakeover})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(5 << 20)
	t.Cleanup(func() { conn.CloseNow() })
	return &subscriber{conn, ctx}
}

// next returns a frame's kind and body.
func (s *subscriber) next(t testing.TB) (kind string, body *bytes.Reader) {
	t.Helper()
	_, frame, err := s.conn.Read(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"#commit", "#sync", "#identity", "#account", "#info"} {
		header := append([]byte{0xa2, 0x61, 't', 0x60 | byte(len(kind))}, kind+"\x62op\x01"...)
		if rest, ok := bytes.CutPrefix(frame, header); ok {
			return kind, bytes.NewReader(rest)
		}
	}
	rest, ok := bytes.CutPrefix(frame, []byte("\xa1\x62op\x20"))
	if !ok {
		t.Fatalf("an unknown header: %q", frame[:min(40, len(frame))])
	}
	return "error", bytes.NewReader(rest)
}

func TestSubscribeRepos(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	replay, live := w.subscribe(t, "?cursor=0"), w.subscribe(t, "?cursor=4")
	for range 4 {
		replay.next(t) // the sign-up's
	}
	var seq int64
	for i := range 20 {
		post := alice.create(t, fmt.Sprint("post ", i))
		for _, s := range []*subscriber{live, replay} {
			kind, body := s.next(t)
			var commit comatproto.SyncSubscribeRepos_Commit
			if err := commit.UnmarshalCBOR(body); err != nil || kind != "#commit" {
				t.Fatalf("%s, %v", kind, err)
			}
			if _, err := indigo.VerifyCommitMessage(t.Context(), &commit); err != nil {
				t.Fatal(err)
			}
			if commit.Rev != post.Commit.Rev || s == live && commit.Seq <= seq {
				t.Fatalf("got %s as %d, want %s", commit.Rev, commit.Seq, post.Commit.Rev)
			}
			seq = commit.Seq
		}
	}
}

func TestSubscribeReposAsText(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	alice.create(t, "hello")
	s := w.subscribe(t, "?cursor=0", "xrpc.v1.json")
	var types []string
	for range 5 {
		kind, frame, err := s.conn.Read(s.ctx)
		if err != nil || kind != websocket.MessageText {
			t.Fatal(kind, err)
		}
		var message struct {
			Type    string `json:"$type"`
			Payload struct {
				Type string `json:"$type"`
				Seq  int64
				Ops  []struct{ Path string }
			}
		}
		if err := json.Unmarshal(frame, &message); err != nil || message.Type != "message" {
			t.Fatalf("%v: %s", err, frame)
		}
		types = append(types, strings.TrimPrefix(message.Payload.Type, "com.atproto.sync.subscribeRepos"))
		if message.Payload.Seq != int64(len(types)) {
			t.Errorf("the sequence number is %d", message.Payload.Seq)
		}
	}
	if got := fmt.Sprint(types); got != "[#identity #account #commit #sync #commit]" {
		t.Errorf("got %s", got)
	}
}

func TestSubscribeReposRefusals(t *testing.T) {
	w := start(t)
	w.signUp(t, "alice")
	r := w.get(t, "", "com.atproto.sync.subscribeRepos")
	r.refused(t, http.StatusUpgradeRequired, "UpgradeRequired", "WebSocket")

	s := w.subscribe(t, "?cursor=1000000")
	kind, body := s.next(t)
	raw, _ := io.ReadAll(body)
	if kind != "error" || !bytes.Contains(raw, []byte("FutureCursor")) {
		t.Errorf("got %s %q", kind, raw)
	}
	if _, _, err := s.conn.Read(s.ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("then %v", err)
	}

	s = w.subscribe(t, "?wantedCollections="+strings.Repeat("a.*&wantedCollections=", 100)+"b.*")
	kind, body = s.next(t)
	raw, _ = io.ReadAll(body)
	if kind != "error" || !bytes.Contains(raw, []byte("InvalidRequest")) {
		t.Errorf("of a long list of collections: %s %q", kind, raw)
	}

	if _, err := w.config.Store.TrimEvents(t.Context(), time.Now().Add(time.Hour), 2); err != nil {
		t.Fatal(err)
	}
	s = w.subscribe(t, "?cursor=0")
	kind, body = s.next(t)
	raw, _ = io.ReadAll(body)
	if kind != "#info" || !bytes.Contains(raw, []byte("OutdatedCursor")) {
		t.Errorf("got %s %q", kind, raw)
	}
	if kind, _ = s.next(t); kind != "#commit" {
		t.Errorf("then %s", kind)
	}
}

func TestSubscribeReposFilters(t *testing.T) {
	w := start(t)
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bobby")
	bob.create(t, "not wanted")
	for _, collection := range []string{"com.example.feed.like", posts, "com.example.other"} {
		alice.post(t, "com.atproto.repo.createRecord", map[string]any{
			"repo": alice.did, "collection": collection, "record": map[string]any{},
		}).decode(t, nil)
	}
	end, err := firehose.IdentityEvent(alice.did, "end.test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.config.Store.AppendEvents(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"&wantedCollections=" + posts:           "[com.example.feed.post]",
		"&wantedCollections=com.example.feed.*": "[com.example.feed.like com.example.feed.post]",
		"&wantedCollections=com.example.none":   "[]",
		"":                                      "[com.example.feed.like com.example.feed.post com.example.other]",
	} {
		s := w.subscribe(t, "?cursor=0&wantedDids="+alice.did.String()+query)
		if got := fmt.Sprint(s.collections(t, "end.test")); got != want {
			t.Errorf("%s: got %v, want %s", query, got, want)
		}
	}
}

// collections returns the collections of all operations up to an #identity event of a handle.
func (s *subscriber) collections(t testing.TB, end string) []string {
	t.Helper()
	got := []string{}
	for {
		switch kind, body := s.next(t); kind {
		case "#identity":
			var identity comatproto.SyncSubscribeRepos_Identity
			if err := identity.UnmarshalCBOR(body); err != nil {
				t.Fatal(err)
			}
			if *identity.Handle == end {
				return got
			}
		case "#commit":
			var commit comatproto.SyncSubscribeRepos_Commit
			if err := commit.UnmarshalCBOR(body); err != nil {
				t.Fatal(err)
			}
			for _, op := range commit.Ops {
				collection, _, _ := strings.Cut(op.Path, "/")
				got = append(got, collection)
			}
		}
	}
}
