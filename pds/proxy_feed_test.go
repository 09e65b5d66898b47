package pds_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/pds"
)

func TestProxyGetFeed(t *testing.T) {
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch q := r.URL.Query(); {
		case r.URL.Path == "/xrpc/app.bsky.feed.getFeed":
			io.WriteString(w, `{"feed":[]}`)
		case q.Get("rkey") == "junk":
			io.WriteString(w, strings.Repeat("[", 1<<20))
		case q.Get("rkey") == "number":
			io.WriteString(w, `{"uri":"x","value":{"did":5}}`)
		case q.Get("rkey") == "name":
			io.WriteString(w, `{"uri":"x","value":{"did":"feed.example.com"}}`)
		case q.Get("rkey") == "none":
			io.WriteString(w, `{"uri":"x","value":{}}`)
		case q.Get("rkey") == "missing":
			w.WriteHeader(400)
			io.WriteString(w, `{"error":"RecordNotFound","message":"Could not locate record"}`)
		case r.Header.Get("Authorization") == "" && q.Get("collection") == "app.bsky.feed.generator":
			io.WriteString(w, `{"uri":"x","value":{"did":"did:web:feed.example.com"}}`)
		default:
			w.WriteHeader(400)
		}
	})
	w := start(t, view.serves(), func(c *pds.Config) { c.Proxy.ServiceAudience = true }, withApps)
	alice := w.signUp(t, "alice")
	feed := "at://did:web:someone.example.com/app.bsky.feed.generator/"
	alice.get(t, "app.bsky.feed.getFeed", "feed", feed+"cats").decode(t, nil)
	w.claims(t, view.last(t), "did:web:feed.example.com", "app.bsky.feed.getFeedSkeleton")

	for _, rkey := range []string{"none", "number", "name"} {
		alice.get(t, "app.bsky.feed.getFeed", "feed", feed+rkey).refused(t, 400, "UnknownFeed", "")
	}
	alice.get(t, "app.bsky.feed.getFeed", "feed", feed+"missing").refused(t, 400, "RecordNotFound", "")
	alice.get(t, "app.bsky.feed.getFeed", "feed", feed+"junk").refused(t, 502, "UpstreamFailure", "")
	alice.get(t, "app.bsky.feed.getFeed", "feed", "cats").refused(t, 400, "InvalidRequest", "feed")
	alice.get(t, "app.bsky.feed.getFeed").refused(t, 400, "InvalidRequest", "feed")

	only := "atproto rpc:app.bsky.feed.getFeed?aud=*"
	w.asApp(t, alice, only, "GET", "app.bsky.feed.getFeed?feed="+feed+"cats", nil).refused(t, 403, "ScopeMissingError", "getFeedSkeleton")
	w.asApp(t, alice, only+" rpc:app.bsky.feed.getFeedSkeleton?aud=*", "GET", "app.bsky.feed.getFeed?feed="+feed+"cats", nil).decode(t, nil)

}
