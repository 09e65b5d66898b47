package bsky

import (
	"context"
	"net/url"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/patch"
)

// post shows a post that nobody has answered yet.
func (v *Viewer) post(ctx context.Context, a *patch.Answer, r patch.Record) (object, error) {
	author, err := v.author(ctx, a)
	if err != nil {
		return nil, err
	}
	view := object{
		"uri": r.URI.String(), "cid": r.CID.String(), "author": author, "record": r.Value,
		"likeCount": 0, "replyCount": 0, "repostCount": 0, "quoteCount": 0,
		"indexedAt": r.Time.UTC().Format(timeFormat),
	}
	if embed := v.embed(ctx, a, r.Value["embed"]); embed != nil {
		view["embed"] = embed
	}
	return view, nil
}

// embed shows what a post has attached, nil for what it doesn't know.
func (v *Viewer) embed(ctx context.Context, a *patch.Answer, embed any) object {
	switch text(embed, "$type") {
	case "app.bsky.embed.record":
		return object{"$type": "app.bsky.embed.record#view", "record": v.quoted(ctx, a, text(embed, "record", "uri"))}
	case "app.bsky.embed.recordWithMedia":
		media := v.media(a.Account.DID, at(embed, "media"))
		if media == nil {
			return nil
		}
		return object{
			"$type":  "app.bsky.embed.recordWithMedia#view",
			"record": object{"record": v.quoted(ctx, a, text(embed, "record", "record", "uri"))},
			"media":  media,
		}
	}
	return v.media(a.Account.DID, embed)
}

func (v *Viewer) media(did syntax.DID, embed any) object {
	switch text(embed, "$type") {
	case "app.bsky.embed.images":
		images := []any{}
		for _, image := range list(embed, "images") {
			view := object{
				"thumb":    v.image("feed_thumbnail", did, at(image, "image")),
				"fullsize": v.image("feed_fullsize", did, at(image, "image")),
				"alt":      text(image, "alt"),
			}
			set(view, "aspectRatio", at(image, "aspectRatio"))
			images = append(images, view)
		}
		return object{"$type": "app.bsky.embed.images#view", "images": images}
	case "app.bsky.embed.external":
		external := object{
			"uri":         text(embed, "external", "uri"),
			"title":       text(embed, "external", "title"),
			"description": text(embed, "external", "description"),
		}
		set(external, "thumb", v.image("feed_thumbnail", did, at(embed, "external", "thumb")))
		return object{"$type": "app.bsky.embed.external#view", "external": external}
	}
	return nil
}

// quoted shows a record that a post quotes, which the AppView knows.
func (v *Viewer) quoted(ctx context.Context, a *patch.Answer, uri string) object {
	missing := object{"$type": "app.bsky.embed.record#viewNotFound", "uri": uri, "notFound": true}
	quoted, err := syntax.ParseATURI(uri)
	if err != nil {
		return missing
	}
	switch quoted.Collection() {
	case collectionPost:
		out, err := a.Ask(ctx, "app.bsky.feed.getPosts", url.Values{"uris": {uri}})
		if posts := list(out, "posts"); err == nil && len(posts) > 0 {
			return quotedPost(posts[0])
		}
	case "app.bsky.feed.generator":
		out, err := a.Ask(ctx, "app.bsky.feed.getFeedGenerator", url.Values{"feed": {uri}})
		if view, ok := out["view"].(object); err == nil && ok {
			view["$type"] = "app.bsky.feed.defs#generatorView"
			return view
		}
	case "app.bsky.graph.list":
		out, err := a.Ask(ctx, "app.bsky.graph.getList", url.Values{"list": {uri}, "limit": {"1"}})
		if view, ok := out["list"].(object); err == nil && ok {
			view["$type"] = "app.bsky.graph.defs#listView"
			return view
		}
	}
	return missing
}

func quotedPost(post any) object {
	view := object{
		"$type":     "app.bsky.embed.record#viewRecord",
		"uri":       at(post, "uri"),
		"cid":       at(post, "cid"),
		"author":    at(post, "author"),
		"value":     at(post, "record"),
		"indexedAt": at(post, "indexedAt"),
	}
	set(view, "labels", at(post, "labels"))
	if embed := at(post, "embed"); embed != nil {
		view["embeds"] = []any{embed}
	}
	return view
}
