package pds_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
)

type object = map[string]any

// view is an AppView that lags behind: it knows the account's repo up to a rev, and answers what a test says.
type view struct {
	*upstream
	rev     string
	answers map[string]any // by method; a string is an error's name
	asked   []string       // the methods, with their parameters
}

func newView(t testing.TB) *view {
	v := &view{answers: map[string]any{}}
	v.upstream = newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		method := strings.TrimPrefix(r.URL.Path, "/xrpc/")
		v.asked = append(v.asked, method+"?"+r.URL.RawQuery)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if v.rev != "" {
			w.Header().Set("Atproto-Repo-Rev", v.rev)
		}
		switch a := v.answers[method].(type) {
		case nil:
			w.WriteHeader(400)
			io.WriteString(w, `{"error":"InvalidRequest"}`)
		case string:
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error":%q,"message":"no"}`, a)
		case []byte:
			w.Write(a)
		default:
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			json.NewEncoder(z).Encode(a)
			z.Close()
		}
	})
	return v
}

// put writes a record and returns its URI and the rev that it made.
func (u *user) put(t testing.TB, collection, rkey string, value object) (uri, rev string) {
	t.Helper()
	value["$type"] = collection
	var out written
	u.post(t, "com.atproto.repo.putRecord", object{
		"repo": u.did, "collection": collection, "rkey": rkey, "record": value,
	}).decode(t, &out)
	return out.URI, out.Commit.Rev
}

// newPost writes a post of app.bsky and returns its URI, and the rev that it made.
func (u *user) newPost(t testing.TB, text string, more object) (uri, rev string) {
	t.Helper()
	value := object{"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-01-01T00:00:00.000Z"}
	for k, v := range more {
		value[k] = v
	}
	var out written
	u.post(t, "com.atproto.repo.createRecord", object{"repo": u.did, "collection": "app.bsky.feed.post", "record": value}).decode(t, &out)
	return out.URI, out.Commit.Rev
}

func (u *user) uploadImage(t testing.TB) object {
	t.Helper()
	var out struct{ Blob object }
	png := "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 32)
	_, res := u.upload(t, "image/png", []byte(png))
	res.decode(t, &out)
	return out.Blob
}

func cidOf(blob any) string { return blob.(object)["ref"].(object)["$link"].(string) }

// postView is a post as the AppView knows it.
func postView(author *user, uri string, at time.Time) object {
	return object{"post": object{
		"uri": uri, "cid": "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a",
		"author":    object{"did": author.did.String(), "handle": "x.test", "displayName": "Old", "unknown": true},
		"record":    object{"text": "known", "unknown": 1.50},
		"indexedAt": at.UTC().Format("2006-01-02T15:04:05.000Z"), "likeCount": 12345678901234567,
	}}
}

// uris returns those of a feed's posts.
func uris(feed any) (all []string) {
	for _, item := range feed.([]any) {
		all = append(all, item.(object)["post"].(object)["uri"].(string))
	}
	return all
}

func timeOf(rev string) time.Time { return syntax.TID(rev).Time() }

// lagging is a world in which alice has two posts of which the AppView knows the first.
func lagging(t *testing.T, changes ...func(*pds.Config)) (v *view, alice *user, known, fresh, rev string) {
	v = newView(t)
	w := start(t, append([]func(*pds.Config){v.serves()}, changes...)...)
	alice = w.signUp(t, "alice")
	known, v.rev = alice.newPost(t, "known", nil)
	fresh, rev = alice.newPost(t, "fresh", nil)
	return v, alice, known, fresh, rev
}

func (u *user) feed(t *testing.T, method string, params ...string) ([]string, *response) {
	t.Helper()
	var out struct{ Feed []any }
	res := u.get(t, method, params...)
	res.decode(t, &out)
	return uris(out.Feed), res
}
