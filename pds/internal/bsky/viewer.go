package bsky

import (
	"cmp"
	"context"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/patch"
)

const (
	collectionPost    syntax.NSID = "app.bsky.feed.post"
	collectionProfile syntax.NSID = "app.bsky.actor.profile"

	pathProfile = "app.bsky.actor.profile/self"
)

// object is a JSON object.
type object = map[string]any

// Viewer shows records as the AppView would.
type Viewer struct {
	// Required.

	// ImageURL returns where an image is served. The kind is avatar, banner, feed_thumbnail or feed_fullsize.
	ImageURL func(kind string, did syntax.DID, cid string) string
}

// Patches returns the patches of all methods that are patched.
func (v *Viewer) Patches() []patch.Patch {
	profile := []syntax.NSID{collectionProfile}
	both := []syntax.NSID{collectionProfile, collectionPost}
	posts := []syntax.NSID{collectionPost}
	return []patch.Patch{
		{Method: "app.bsky.actor.getProfile", Collections: profile, Apply: v.getProfile},
		{Method: "app.bsky.actor.getProfiles", Collections: profile, Apply: v.getProfiles},
		{Method: "app.bsky.feed.getActorLikes", Collections: profile, Apply: v.getActorLikes},
		{Method: "app.bsky.feed.getAuthorFeed", Collections: both, Apply: v.getAuthorFeed},
		{Method: "app.bsky.feed.getTimeline", Collections: posts, Apply: v.getTimeline},
		{Method: "app.bsky.feed.getPostThread", Collections: posts, Apply: v.getPostThread, Missing: v.missingThread},
	}
}

// newProfile returns the account's profile if it is among the new records, or nil.
func newProfile(a *patch.Answer) object {
	for _, r := range a.Records {
		if r.URI.Path() == pathProfile {
			return r.Value
		}
	}
	return nil
}

// newPosts returns the posts among the new records.
func newPosts(a *patch.Answer) (posts []patch.Record) {
	for _, r := range a.Records {
		if r.URI.Collection() == collectionPost {
			posts = append(posts, r)
		}
	}
	return posts
}

// author shows the account as the author of its posts.
func (v *Viewer) author(ctx context.Context, a *patch.Answer) (object, error) {
	view := object{"did": a.Account.DID.String(), "handle": a.Account.Handle.String()}
	if a.Account.Handle == "" {
		view["handle"] = syntax.HandleInvalid.String()
	}
	profile, err := a.Record(ctx, collectionProfile, "self")
	if err != nil {
		return nil, err
	}
	if profile != nil {
		v.updateBasic(view, a.Account.DID, profile)
	}
	return view, nil
}

// image returns where the image is served to which a record's field refers, as blobs do or did once, "" if it refers to none.
func (v *Viewer) image(kind string, did syntax.DID, blob any) string {
	if cid := cmp.Or(text(blob, "ref", "$link"), text(blob, "cid")); cid != "" {
		return v.ImageURL(kind, did, cid)
	}
	return ""
}

// at returns what stands in JSON below some keys, nil if there is nothing.
func at(v any, keys ...string) any {
	for _, key := range keys {
		m, _ := v.(object)
		v = m[key]
	}
	return v
}

func text(v any, keys ...string) string {
	s, _ := at(v, keys...).(string)
	return s
}

func list(v any, keys ...string) []any {
	l, _ := at(v, keys...).([]any)
	return l
}

// set sets a field, or removes it if there is nothing to set.
func set(m object, key string, value any) {
	if value == nil || value == "" {
		delete(m, key)
		return
	}
	m[key] = value
}

// timeFormat is that of the AppView.
const timeFormat = "2006-01-02T15:04:05.000Z"

func parseTime(v any, keys ...string) time.Time {
	t, _ := time.Parse(time.RFC3339, text(v, keys...))
	return t
}
