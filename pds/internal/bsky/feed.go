package bsky

import (
	"context"
	"slices"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/patch"
)

const (
	typePin    = "app.bsky.feed.defs#reasonPin"
	typeRepost = "app.bsky.feed.defs#reasonRepost"
)

func (v *Viewer) getActorLikes(_ context.Context, a *patch.Answer) error {
	v.updateAuthors(list(a.Body, "feed"), a)
	return nil
}

func (v *Viewer) getTimeline(ctx context.Context, a *patch.Answer) error {
	return v.insert(ctx, a, newPosts(a))
}

// getAuthorFeed adds posts to the account's own feed, if they pass its filter.
func (v *Viewer) getAuthorFeed(ctx context.Context, a *patch.Answer) error {
	actor := a.Params.Get("actor")
	if actor != a.Account.DID.String() && syntax.Handle(actor).Normalize() != a.Account.Handle {
		return nil
	}
	v.updateAuthors(list(a.Body, "feed"), a)
	posts := slices.DeleteFunc(newPosts(a), func(p patch.Record) bool { return !passes(a.Params.Get("filter"), p.Value) })
	return v.insert(ctx, a, posts)
}

// passes reports whether a post is of those that a filter lets through.
func passes(filter string, post object) bool {
	switch filter {
	case "posts_no_replies", "posts_and_author_threads":
		return post["reply"] == nil
	case "posts_with_media", "posts_with_video":
		return false // whether the feed would show them, and where, only the AppView knows
	}
	return true
}

// insert puts posts where they belong by their time into a feed whose newest come first, after one that is pinned. A post
// that is older than the last of the page belongs on a later one, and one that is newer than the first of a later page on
// the page before.
func (v *Viewer) insert(ctx context.Context, a *patch.Answer, posts []patch.Record) error {
	feed, ok := a.Body["feed"].([]any)
	if !ok {
		return nil
	}
	var pinned []any
	if len(feed) > 0 && text(feed[0], "reason", "$type") == typePin {
		pinned, feed = slices.Clone(feed[:1]), feed[1:]
	}
	for _, post := range posts {
		if !fits(feed, post, a.Params.Get("cursor") != "") {
			continue
		}
		view, err := v.post(ctx, a, post)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(feed, func(item any) bool { return shown(item).Before(post.Time) })
		if i < 0 {
			i = len(feed)
		}
		feed = slices.Insert(feed, i, any(object{"post": view}))
	}
	a.Body["feed"] = slices.Insert(feed, 0, pinned...)
	return nil
}

// shown is when an item of a feed came up: the post, or its being passed on by somebody.
func shown(item any) time.Time {
	if text(item, "reason", "$type") == typeRepost {
		return parseTime(item, "reason", "indexedAt")
	}
	return parseTime(item, "post", "indexedAt")
}

func fits(feed []any, post patch.Record, laterPage bool) bool {
	if len(feed) == 0 {
		return !laterPage
	}
	has := slices.ContainsFunc(feed, func(item any) bool { return text(item, "post", "uri") == post.URI.String() })
	first, last := shown(feed[0]), shown(feed[len(feed)-1])
	return !has && post.Time.After(last) && !(laterPage && post.Time.After(first))
}
