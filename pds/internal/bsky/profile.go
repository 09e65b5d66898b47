package bsky

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/patch"
)

func (v *Viewer) getProfile(_ context.Context, a *patch.Answer) error {
	v.updateDetailed(a.Body, a)
	return nil
}

func (v *Viewer) getProfiles(_ context.Context, a *patch.Answer) error {
	for _, view := range list(a.Body, "profiles") {
		v.updateDetailed(view, a)
	}
	return nil
}

// updateDetailed brings a profile up to date if it is the account's.
func (v *Viewer) updateDetailed(view any, a *patch.Answer) {
	m, profile := own(view, a), newProfile(a)
	if m == nil || profile == nil {
		return
	}
	v.updateBasic(m, a.Account.DID, profile)
	set(m, "description", profile["description"])
	set(m, "banner", v.image("banner", a.Account.DID, profile["banner"]))
}

// updateBasic brings what is shown beside posts up to date.
func (v *Viewer) updateBasic(view object, did syntax.DID, profile object) {
	set(view, "displayName", profile["displayName"])
	set(view, "avatar", v.image("avatar", did, profile["avatar"]))
}

// updateAuthors brings the account up to date where it is the author of a feed's posts.
func (v *Viewer) updateAuthors(feed []any, a *patch.Answer) {
	profile := newProfile(a)
	if profile == nil {
		return
	}
	for _, item := range feed {
		if m := own(at(item, "post", "author"), a); m != nil {
			v.updateBasic(m, a.Account.DID, profile)
		}
	}
}

// own returns a view of an account if it is of the one that asks, or nil.
func own(view any, a *patch.Answer) object {
	m, _ := view.(object)
	if m["did"] != a.Account.DID.String() {
		return nil
	}
	return m
}
