package pds_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/patch"
	"github.com/pdskit/pdskit/storage"
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

func TestReadAfterWriteTimeline(t *testing.T) {
	v, alice, known, fresh, rev := lagging(t)
	bob := alice.world.signUp(t, "bob")
	at := timeOf(rev)
	newer, older := "at://x/app.bsky.feed.post/newer", "at://x/app.bsky.feed.post/older"
	v.answers["app.bsky.feed.getTimeline"] = object{"cursor": "c", "unknown": object{"a": 1.0}, "feed": []any{
		postView(bob, newer, at.Add(time.Second)), postView(alice, known, at.Add(-time.Second)), postView(bob, older, at.Add(-time.Hour)),
	}}
	got, res := alice.feed(t, "app.bsky.feed.getTimeline")
	if diff := cmp.Diff([]string{newer, fresh, known, older}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if res.header.Get("Atproto-Upstream-Lag") == "" || res.header.Get("Atproto-Repo-Rev") != v.rev || res.header.Get("Content-Encoding") != "" {
		t.Errorf("the headers are %v", res.header)
	}
	if !strings.Contains(string(res.body), `"likeCount":12345678901234567`) || !strings.Contains(string(res.body), `"unknown":{"a":1}`) {
		t.Errorf("what isn't known has changed: %s", res)
	}
	var out struct {
		Feed []struct {
			Post struct {
				Author, Record          object
				LikeCount, ReplyCount   *int
				CID, IndexedAt          string
				RepostCount, QuoteCount *int
			}
		}
	}
	res.decode(t, &out)
	post := out.Feed[1].Post
	if post.Record["text"] != "fresh" || post.Author["handle"] != "alice.test" || post.LikeCount == nil || *post.LikeCount != 0 ||
		post.IndexedAt != at.UTC().Format("2006-01-02T15:04:05.000Z") || post.CID == "" {
		t.Errorf("the post is shown as %+v", post)
	}

	// An account may have no handle for a while, a post's author has one.
	alice.world.setStatus(t, alice, func(a *storage.Account) { a.Handle = "" })
	if _, res := alice.feed(t, "app.bsky.feed.getTimeline"); !strings.Contains(string(res.body), `"handle":"handle.invalid"`) {
		t.Errorf("without a handle: %s", res)
	}

	// Somebody else's timeline stays, and so does what needs no patch.
	if got, _ := bob.feed(t, "app.bsky.feed.getTimeline"); len(got) != 3 {
		t.Errorf("bob sees %q", got)
	}
	v.rev = rev
	if got, res := alice.feed(t, "app.bsky.feed.getTimeline"); len(got) != 3 || res.header.Get("Atproto-Upstream-Lag") != "" {
		t.Errorf("with an AppView that has caught up: %q, %v", got, res.header)
	}
}

// A post goes on the page where it belongs, once.
func TestReadAfterWritePages(t *testing.T) {
	v, alice, known, fresh, rev := lagging(t)
	at := timeOf(rev)
	because := func(reason object, uri string) object {
		item := postView(alice, uri, at.Add(-24*time.Hour))
		item["reason"] = reason
		return item
	}
	reposted := func(at time.Time) object {
		return because(object{"$type": "app.bsky.feed.defs#reasonRepost", "indexedAt": at.UTC().Format(time.RFC3339Nano)}, "at://r")
	}
	pinned := because(object{"$type": "app.bsky.feed.defs#reasonPin"}, "at://p")
	for _, test := range []struct {
		name   string
		feed   []any
		cursor string
		want   []string
	}{
		{"an empty feed", []any{}, "", []string{fresh}},
		{"an empty later page", []any{}, "c", nil},
		{"a first page of newer ones", []any{postView(alice, "at://n", at.Add(time.Second))}, "", []string{"at://n"}},
		{"a later page of older ones", []any{postView(alice, known, at.Add(-time.Second))}, "c", []string{known}},
		{"a later page around it", []any{postView(alice, "at://n", at.Add(time.Second)), postView(alice, known, at.Add(-time.Second))}, "c",
			[]string{"at://n", fresh, known}},
		{"below a newer repost", []any{reposted(at.Add(time.Second)), postView(alice, known, at.Add(-time.Second))}, "",
			[]string{"at://r", fresh, known}},
		{"after a page that ends with a newer repost", []any{reposted(at.Add(time.Second))}, "", []string{"at://r"}},
		{"below a pinned one", []any{pinned, postView(alice, known, at.Add(-time.Second))}, "", []string{"at://p", fresh, known}},
		{"just a pinned one", []any{pinned}, "", []string{"at://p", fresh}},
		{"there already", []any{postView(alice, fresh, at), postView(alice, known, at.Add(-time.Second))}, "", []string{fresh, known}},
	} {
		v.answers["app.bsky.feed.getTimeline"] = object{"feed": test.feed}
		params := []string{}
		if test.cursor != "" {
			params = []string{"cursor", test.cursor}
		}
		got, res := alice.feed(t, "app.bsky.feed.getTimeline", params...)
		if diff := cmp.Diff(test.want, got); diff != "" || !strings.Contains(string(res.body), `"feed":[`) {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestReadAfterWriteAuthorFeed(t *testing.T) {
	v, alice, known, fresh, rev := lagging(t)
	bob := alice.world.signUp(t, "bob")
	at := timeOf(rev)
	reply, _ := alice.newPost(t, "reply", object{"reply": object{
		"root":   object{"uri": known, "cid": "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"},
		"parent": object{"uri": known, "cid": "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"}}})
	alice.put(t, "app.bsky.actor.profile", "self", object{"displayName": "New"})
	v.answers["app.bsky.feed.getAuthorFeed"] = object{"feed": []any{postView(alice, known, at.Add(-time.Second))}}
	for _, test := range []struct {
		actor, filter string
		want          []string
	}{
		{alice.did.String(), "", []string{reply, fresh, known}},
		{"alice.test", "posts_with_replies", []string{reply, fresh, known}},
		{"Alice.test", "posts_no_replies", []string{fresh, known}},
		{"alice.test", "posts_with_media", []string{known}},
		{bob.did.String(), "", []string{known}},
	} {
		got, res := alice.feed(t, "app.bsky.feed.getAuthorFeed", "actor", test.actor, "filter", test.filter)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.actor, test.filter, diff)
		}
		if renamed := strings.Contains(string(res.body), `"displayName":"New"`); renamed != (test.actor != bob.did.String()) {
			t.Errorf("%s: %s", test.actor, res)
		}
	}
}

func TestReadAfterWriteProfiles(t *testing.T) {
	v, alice, known, _, rev := lagging(t, func(c *pds.Config) {
		c.Proxy.ImageURL = func(kind string, did syntax.DID, cid string) string {
			return "https://cdn.example.com/" + kind + "/" + cid
		}
	})
	bob := alice.world.signUp(t, "bob")
	blob := alice.uploadImage(t)
	profileOf := func(u *user) object {
		return object{"did": u.did.String(), "handle": "x.test", "displayName": "Old", "description": "old", "followersCount": 7, "banner": "old"}
	}
	v.answers["app.bsky.actor.getProfile"] = profileOf(alice)
	v.answers["app.bsky.actor.getProfiles"] = object{"profiles": []any{profileOf(bob), profileOf(alice)}}
	v.answers["app.bsky.feed.getActorLikes"] = object{"feed": []any{postView(bob, "at://b", timeOf(rev)), postView(alice, known, timeOf(rev))}}

	alice.put(t, "app.bsky.actor.profile", "self", object{"displayName": "New", "description": "new", "avatar": blob})
	var got object
	alice.get(t, "app.bsky.actor.getProfile", "actor", alice.did.String()).decode(t, &got)
	want := object{"did": alice.did.String(), "handle": "x.test", "displayName": "New", "description": "new", "followersCount": 7.0,
		"avatar": "https://cdn.example.com/avatar/" + cidOf(blob)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("getProfile (-want +got):\n%s", diff)
	}
	var many struct{ Profiles []object }
	alice.get(t, "app.bsky.actor.getProfiles", "actors", bob.did.String()).decode(t, &many)
	if many.Profiles[0]["displayName"] != "Old" || many.Profiles[1]["displayName"] != "New" {
		t.Errorf("getProfiles: %v", many)
	}
	var likes struct {
		Feed []struct{ Post struct{ Author object } }
	}
	alice.get(t, "app.bsky.feed.getActorLikes", "actor", "x").decode(t, &likes)
	if likes.Feed[0].Post.Author["displayName"] != "Old" || likes.Feed[1].Post.Author["displayName"] != "New" ||
		likes.Feed[1].Post.Author["unknown"] != true {
		t.Errorf("getActorLikes: %v", likes)
	}
	v.answers["app.bsky.actor.getProfile"] = profileOf(bob)
	alice.get(t, "app.bsky.actor.getProfile", "actor", bob.did.String()).decode(t, &got)
	if got["displayName"] != "Old" {
		t.Errorf("somebody else's profile: %v", got)
	}
}

func TestReadAfterWriteThread(t *testing.T) {
	v, alice, known, fresh, _ := lagging(t)
	bob := alice.world.signUp(t, "bob")
	const cid = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"
	ref := func(uri string) object { return object{"uri": uri, "cid": cid} }
	replyTo := func(root, parent string) object {
		return object{"reply": object{"root": ref(root), "parent": ref(parent)}}
	}
	thread := func(uri string, replies ...any) object {
		t := postView(bob, uri, time.Unix(1e9, 0))
		t["$type"], t["replies"] = "app.bsky.feed.defs#threadViewPost", replies
		return t
	}
	root, answer := "at://"+bob.did.String()+"/app.bsky.feed.post/3jzfcijpj2z2a", "at://"+bob.did.String()+"/app.bsky.feed.post/3jzfcijpj2z2b"
	first, _ := alice.newPost(t, "first", replyTo(root, root))
	second, _ := alice.newPost(t, "second", replyTo(root, answer))
	third, _ := alice.newPost(t, "third", replyTo(root, first))
	v.answers["app.bsky.feed.getPostThread"] = object{"thread": thread(root, thread(answer), object{"$type": "app.bsky.feed.defs#notFoundPost"})}

	var shape func(v any) string
	shape = func(v any) string {
		m := v.(object)
		post, ok := m["post"].(object)
		if !ok {
			return "?"
		}
		s := post["uri"].(string)
		s = map[string]string{root: "root", answer: "answer", first: "first", second: "second", third: "third", fresh: "fresh", known: "known"}[s]
		if replies, ok := m["replies"].([]any); ok && len(replies) > 0 {
			var all []string
			for _, r := range replies {
				all = append(all, shape(r))
			}
			s += "(" + strings.Join(all, " ") + ")"
		}
		if parent, ok := m["parent"]; ok {
			s = shape(parent) + ">" + s
		}
		return s
	}
	get := func(uri string) string {
		t.Helper()
		var out struct{ Thread object }
		alice.get(t, "app.bsky.feed.getPostThread", "uri", uri, "parentHeight", "5").decode(t, &out)
		return shape(out.Thread)
	}
	if got, want := get(root), "root(first(third) answer(second) ?)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	v.answers["app.bsky.feed.getPostThread"] = object{"thread": thread(root, thread(answer), thread(first))}
	if got, want := get(root), "root(answer(second) first(third))"; got != want {
		t.Errorf("with one that is known: got %s, want %s", got, want)
	}
	v.answers["app.bsky.feed.getPostThread"] = object{"thread": object{"$type": "app.bsky.feed.defs#blockedPost"}}
	if got := get(root); got != "?" {
		t.Errorf("of a blocked one: %s", got)
	}

	// A post that the AppView doesn't know yet has its thread made here.
	v.answers["app.bsky.feed.getPostThread"] = "NotFound"
	if got, want := get(fresh), "fresh"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := get(first), "first(third)"; got != want { // and its parent isn't to be had
		t.Errorf("got %s, want %s", got, want)
	}
	if want := "app.bsky.feed.getPostThread?" + (url.Values{"uri": {root}, "depth": {"0"}, "parentHeight": {"5"}}).Encode(); v.asked[len(v.asked)-1] != want {
		t.Errorf("asked for %s, want %s", v.asked[len(v.asked)-1], want)
	}
	byHandle := strings.Replace(fresh, alice.did.String(), "alice.test", 1)
	if got := get(byHandle); got != "fresh" {
		t.Errorf("by handle: %s", got)
	}
	for _, uri := range []string{known, root, "at://" + bob.did.String() + strings.TrimPrefix(fresh, "at://"+alice.did.String()), "junk", "at://bob.test/app.bsky.feed.post/x"} {
		alice.get(t, "app.bsky.feed.getPostThread", "uri", uri).refused(t, 400, "NotFound", "")
	}
	v.answers["app.bsky.feed.getPostThread"] = "Blocked"
	alice.get(t, "app.bsky.feed.getPostThread", "uri", fresh).refused(t, 400, "Blocked", "")
}

func TestReadAfterWriteEmbeds(t *testing.T) {
	v, alice, _, _, _ := lagging(t)
	blob := alice.uploadImage(t)
	const cid = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"
	image := alice.world.url + "/xrpc/com.atproto.sync.getBlob?" + url.Values{"did": {alice.did.String()}, "cid": {cidOf(blob)}}.Encode()
	quoted := "at://did:web:bob.example.com/app.bsky.feed.post/3jzfcijpj2z2a"
	feed := "at://did:web:bob.example.com/app.bsky.feed.generator/x"
	gone := "at://did:web:bob.example.com/app.bsky.graph.list/x"
	v.answers["app.bsky.feed.getPosts"] = object{"posts": []any{object{"uri": quoted, "cid": cid, "author": object{"did": "did:web:bob.example.com"},
		"record": object{"text": "q"}, "labels": []any{"l"}, "embed": object{"$type": "e"}, "indexedAt": "2026-01-01T00:00:00.000Z"}}}
	v.answers["app.bsky.feed.getFeedGenerator"] = object{"view": object{"uri": feed}}
	v.answers["app.bsky.feed.getTimeline"] = object{"feed": []any{}}
	images := object{"$type": "app.bsky.embed.images", "images": []any{object{"alt": "a", "image": blob, "aspectRatio": object{"width": 1, "height": 2}}}}
	imagesView := object{"$type": "app.bsky.embed.images#view", "images": []any{
		object{"alt": "a", "thumb": image, "fullsize": image, "aspectRatio": object{"width": 1.0, "height": 2.0}}}}
	record := func(uri string) object {
		return object{"$type": "app.bsky.embed.record", "record": object{"uri": uri, "cid": cid}}
	}
	quotedView := object{"$type": "app.bsky.embed.record#viewRecord", "uri": quoted, "cid": cid, "author": object{"did": "did:web:bob.example.com"},
		"value": object{"text": "q"}, "labels": []any{"l"}, "embeds": []any{object{"$type": "e"}}, "indexedAt": "2026-01-01T00:00:00.000Z"}
	for _, test := range []struct {
		name        string
		embed, want any
	}{
		{"images", images, imagesView},
		{"external", object{"$type": "app.bsky.embed.external", "external": object{"uri": "https://example.com", "title": "t", "description": "d", "thumb": blob}},
			object{"$type": "app.bsky.embed.external#view", "external": object{"uri": "https://example.com", "title": "t", "description": "d", "thumb": image}}},
		{"a post", record(quoted), object{"$type": "app.bsky.embed.record#view", "record": quotedView}},
		{"a feed", record(feed), object{"$type": "app.bsky.embed.record#view", "record": object{"$type": "app.bsky.feed.defs#generatorView", "uri": feed}}},
		{"a list that is gone", record(gone), object{"$type": "app.bsky.embed.record#view",
			"record": object{"$type": "app.bsky.embed.record#viewNotFound", "uri": gone, "notFound": true}}},
		{"a post with images", object{"$type": "app.bsky.embed.recordWithMedia", "record": record(quoted), "media": images},
			object{"$type": "app.bsky.embed.recordWithMedia#view", "record": object{"record": quotedView}, "media": imagesView}},
	} {
		uri, _ := alice.newPost(t, test.name, object{"embed": test.embed})
		var out struct{ Feed []struct{ Post object } }
		alice.get(t, "app.bsky.feed.getTimeline").decode(t, &out)
		if post := out.Feed[0].Post; post["uri"] != uri {
			t.Errorf("%s: %v", test.name, post)
		} else if diff := cmp.Diff(test.want, post["embed"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// A patch never makes an answer worse: what can't be patched comes as it is.
func TestReadAfterWriteLies(t *testing.T) {
	v, alice, known, _, rev := lagging(t)
	const method = "app.bsky.feed.getTimeline"
	at := timeOf(rev)
	good := object{"feed": []any{postView(alice, known, at.Add(-time.Second))}}
	goodJSON, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	junk := bytes.Repeat([]byte("0123456789abcdef"), 30<<20/16)
	right := v.rev
	for name, test := range map[string]struct {
		rev  string
		body []byte
	}{
		"no rev":            {"", goodJSON},
		"a bad rev":         {"zzz", goodJSON},
		"a rev long ago":    {"2222222222222", goodJSON},
		"30 MB of junk":     {right, junk},
		"no JSON":           {right, []byte("<html>")},
		"nothing":           {right, []byte("")},
		"null":              {right, []byte("null")},
		"a list":            {right, []byte("[]")},
		"half of it":        {right, goodJSON[:len(goodJSON)-5]},
		"more than one":     {right, append(goodJSON, goodJSON...)},
		"no feed":           {right, []byte(`{"other":1}`)},
		"another feed":      {right, []byte(`{"feed":{"post":1}}`)},
		"JSON 20 MB long":   {right, append(append([]byte(`{"feed":[],"x":"`), bytes.Repeat([]byte("x"), 20<<20)...), `"}`...)},
		"thousands of [[[[": {right, bytes.Repeat([]byte("["), 100_000)},
	} {
		v.rev, v.answers[method] = test.rev, test.body
		res := alice.get(t, method)
		if res.status != 200 || strings.TrimSpace(string(res.body)) != string(test.body) {
			t.Errorf("%s: got %d with %d bytes: %.100s", name, res.status, len(res.body), res.body)
		}
	}
	v.rev = right
	for name, items := range map[string][]any{
		"strange items": {nil, 1, "x", []any{}, object{"post": 1}, object{"post": object{"indexedAt": 7, "author": "x", "uri": nil}}},
	} {
		v.answers[method] = object{"feed": items}
		if res := alice.get(t, method); res.status != 200 {
			t.Errorf("%s: %s", name, res)
		}
	}
}

// A client that takes nothing of an answer doesn't have it kept in memory.
func TestReadAfterWriteStalls(t *testing.T) {
	v, alice, _, _, _ := lagging(t, func(c *pds.Config) { c.Proxy.IdleTimeout = 100 * time.Millisecond })
	for _, more := range []string{"", strings.Repeat("x", 1<<20)} {
		v.answers["app.bsky.feed.getTimeline"] = object{"feed": []any{}, "more": more}
		alice.stalls(t, "app.bsky.feed.getTimeline")
	}
}

// A gzip bomb isn't unpacked.
func TestReadAfterWriteBomb(t *testing.T) {
	_, alice, _, _, _ := lagging(t)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write([]byte(`{"feed":[],"x":"`))
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for range 200 {
		z.Write(chunk)
	}
	z.Write([]byte(`"}`))
	z.Close()
	rev, err := alice.world.config.Store.Head(t.Context(), alice.did)
	if err != nil {
		t.Fatal(err)
	}
	evil := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Atproto-Repo-Rev", syntax.NewTID(rev.Rev.Time().UnixMicro()-1, 0).String())
		w.Write(bomb.Bytes())
	})
	res := alice.with(t, "GET", "app.bsky.feed.getTimeline", nil, "Atproto-Proxy", evil.id(), "Accept-Encoding", "gzip")
	got := read(t, res)
	if got.status != 200 || got.header.Get("Content-Encoding") != "gzip" || !bytes.Equal(got.body, bomb.Bytes()) {
		t.Errorf("got %d, %v, %d bytes", got.status, got.header, len(got.body))
	}
}

// What is held of answers that are being patched is bounded, that of all requests together: where nothing is left, an answer
// comes as it is.
func TestReadAfterWriteBudget(t *testing.T) {
	v, alice, _, fresh, _ := lagging(t)
	const method = "app.bsky.feed.getTimeline"
	v.answers[method] = object{"feed": []any{}}
	var halves sync.WaitGroup
	finish := make(chan struct{})
	large := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Atproto-Repo-Rev", v.rev)
		io.WriteString(w, strings.Repeat("x", 9<<20))
		http.NewResponseController(w).Flush()
		halves.Done()
		<-finish
	})
	var answers sync.WaitGroup
	for range 8 { // of 64 MiB in all
		halves.Add(1)
		answers.Go(func() {
			res := read(t, alice.with(t, "GET", method, nil, "Atproto-Proxy", large.id()))
			if res.status != 200 || len(res.body) != 9<<20 {
				t.Errorf("got %d with %d bytes", res.status, len(res.body))
			}
		})
	}
	halves.Wait()
	patched := func() bool {
		got, _ := alice.feed(t, method)
		return len(got) == 1 && got[0] == fresh
	}
	for patched() { // until the server has read the halves
	}
	close(finish)
	answers.Wait()
	for !patched() { // until it has let go of them
	}
}

// An account that has just moved in is one of which the AppView knows another server's repo.
func TestReadAfterWriteNewRepo(t *testing.T) {
	v := newView(t)
	w := start(t, v.serves())
	alice := w.signUp(t, "alice")
	v.rev = syntax.NewTID(time.Now().Add(-time.Hour).UnixMicro(), 0).String()
	alice.newPost(t, "imported", nil)
	v.answers["app.bsky.feed.getTimeline"] = object{"feed": []any{}}
	if got, _ := alice.feed(t, "app.bsky.feed.getTimeline"); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

// A host patches answers of its own services.
func TestHostsPatch(t *testing.T) {
	v := newView(t)
	w := start(t, v.serves(), func(c *pds.Config) {
		c.Proxy.Patches = []patch.Patch{
			{
				Method: "com.example.notes.list", Collections: []syntax.NSID{"com.example.note"},
				Apply: func(ctx context.Context, a *patch.Answer) error {
					switch a.Params.Get("do") {
					case "fail":
						a.Body["notes"] = "changed"
						return errors.New("no")
					case "panic":
						panic("no")
					}
					notes := a.Body["notes"].([]any)
					for _, r := range a.Records {
						notes = append(notes, r.Value["text"])
					}
					old, err := a.Record(ctx, "com.example.note", "one")
					a.Body["notes"], a.Body["old"] = notes, old["text"]
					return err
				},
			},
			{
				Method: "app.bsky.feed.getTimeline", Collections: []syntax.NSID{"app.bsky.feed.post"},
				Apply: func(_ context.Context, a *patch.Answer) error { a.Body["mine"] = true; return nil },
			},
		}
	})
	alice := w.signUp(t, "alice")
	alice.put(t, "com.example.note", "one", object{"text": "one"})
	for i := range 20 {
		_, v.rev = alice.put(t, "com.example.note", fmt.Sprint("x", i), object{"text": "known"})
	}
	alice.put(t, "com.example.note", "three", object{"text": "three"})
	alice.put(t, "com.example.note", "two", object{"text": "two"})
	alice.put(t, "com.example.note", "one", object{"text": "one again"}) // among many newer keys
	v.answers["com.example.notes.list"] = object{"notes": []any{"one"}}
	v.answers["app.bsky.feed.getTimeline"] = object{"feed": []any{}}
	for do, want := range map[string]string{
		"":      `{"notes":["one","three","two","one again"],"old":"one again"}`,
		"fail":  `{"notes":["one"]}`,
		"panic": `{"notes":["one"]}`,
	} {
		if res := alice.get(t, "com.example.notes.list", "do", do); res.status != 200 || strings.TrimSpace(string(res.body)) != want {
			t.Errorf("%q: got %s, want %s", do, res, want)
		}
	}
	alice.newPost(t, "x", nil)
	if res := alice.get(t, "app.bsky.feed.getTimeline"); !strings.Contains(string(res.body), `"mine":true`) {
		t.Errorf("got %s", res)
	}
}
