package pds_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
