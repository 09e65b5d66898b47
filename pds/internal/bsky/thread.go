package bsky

import (
	"context"
	"net/url"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/patch"
)

const typeThread = "app.bsky.feed.defs#threadViewPost"

// getPostThread adds the account's new answers to a thread.
func (v *Viewer) getPostThread(ctx context.Context, a *patch.Answer) error {
	thread, ok := a.Body["thread"].(object)
	if !ok || text(thread, "$type") != typeThread {
		return nil
	}
	return v.addReplies(ctx, a, thread, newPosts(a))
}

// missingThread makes the thread of a post that the AppView doesn't know yet.
func (v *Viewer) missingThread(ctx context.Context, a *patch.Answer) error {
	uri, err := syntax.ParseATURI(a.Params.Get("uri"))
	if err != nil {
		return nil
	}
	did := syntax.DID(uri.Authority())
	if uri.Authority().IsHandle() {
		if did, err = a.Handle(ctx, uri.Authority().Handle()); err != nil {
			return nil // whoever it is, it isn't the account
		}
	}
	posts := newPosts(a)
	i := slices.IndexFunc(posts, func(p patch.Record) bool {
		return did == a.Account.DID && p.URI.Path() == uri.Path()
	})
	if i < 0 {
		return nil
	}
	thread, err := v.thread(ctx, a, posts[i])
	if err != nil {
		return err
	}
	if err := v.addReplies(ctx, a, thread, slices.Delete(posts, i, i+1)); err != nil {
		return err
	}
	if parent := text(thread, "post", "record", "reply", "parent", "uri"); parent != "" {
		v.addParent(ctx, a, thread, parent)
	}
	a.Body = object{"thread": thread}
	return nil
}

// addParent adds what a post answers. If the AppView doesn't tell, the post stands alone.
func (v *Viewer) addParent(ctx context.Context, a *patch.Answer, thread object, parent string) {
	params := url.Values{"uri": {parent}, "depth": {"0"}}
	if height := a.Params.Get("parentHeight"); height != "" {
		params.Set("parentHeight", height)
	}
	if out, err := a.Ask(ctx, "app.bsky.feed.getPostThread", params); err == nil {
		set(thread, "parent", out["thread"])
	}
}

func (v *Viewer) thread(ctx context.Context, a *patch.Answer, p patch.Record) (object, error) {
	view, err := v.post(ctx, a, p)
	return object{"$type": typeThread, "post": view}, err
}

// addReplies adds those posts that belong to a thread, each below the post that it answers, the newest first.
func (v *Viewer) addReplies(ctx context.Context, a *patch.Answer, thread object, posts []patch.Record) error {
	root := text(thread, "post", "record", "reply", "root", "uri")
	if root == "" {
		root = text(thread, "post", "uri")
	}
	for _, p := range posts {
		if text(p.Value, "reply", "root", "uri") != root {
			continue
		}
		parent := find(thread, text(p.Value, "reply", "parent", "uri"))
		if parent == nil || find(thread, p.URI.String()) != nil {
			continue
		}
		view, err := v.thread(ctx, a, p)
		if err != nil {
			return err
		}
		parent["replies"] = append([]any{view}, list(parent, "replies")...)
	}
	return nil
}

// find returns the post of a thread that has a URI, or nil.
func find(thread object, uri string) object {
	if text(thread, "post", "uri") == uri {
		return thread
	}
	for _, reply := range list(thread, "replies") {
		if m, ok := reply.(object); ok && text(m, "$type") == typeThread {
			if found := find(m, uri); found != nil {
				return found
			}
		}
	}
	return nil
}
