package pds_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
)

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
