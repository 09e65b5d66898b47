package auth

import (
	"net/url"
	"slices"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Permission is one thing that a method needs a caller to be allowed to do. See [Scope].
type Permission struct {
	resource string
	subject  string // a collection, method, media type, or attribute
	detail   string // an action or audience; "" if the resource has none
}

// RepoPermission is to "create", "update" or "delete" a record of a collection.
func RepoPermission(collection syntax.NSID, action string) Permission {
	return Permission{"repo", collection.String(), action}
}

// CallPermission is to have a service answer a method. The audience is the service's DID, with "#" and the service's ID
// behind, if it is known. The method "*" is to have it answer all methods.
func CallPermission(method, audience string) Permission { return Permission{"rpc", method, audience} }

// BlobPermission is to upload a blob of a media type.
func BlobPermission(mediaType string) Permission { return Permission{"blob", mediaType, ""} }

// AccountPermission is to "read" or "manage" an attribute of the account: its address, "email", or
// all of its "repo".
func AccountPermission(attr, action string) Permission { return Permission{"account", attr, action} }

// IdentityPermission is to change an attribute of the account's identity: its "handle", or "*" for
// all of it.
func IdentityPermission(attr string) Permission { return Permission{"identity", attr, ""} }

// String returns the permission as a scope that would allow it.
func (p Permission) String() string {
	s := p.resource + ":" + p.subject
	switch {
	case p.resource == "rpc":
		s += "?aud=" + url.QueryEscape(p.detail)
	case p.detail != "":
		s += "?action=" + p.detail
	}
	return s
}

// inTransition reports whether a transitional scope allows it.
func (p Permission) inTransition(name string) bool {
	chat := p.resource == "rpc" && strings.HasPrefix(strings.ToLower(p.subject), "chat.bsky.")
	switch name {
	case transitionGeneric:
		return p.resource == "repo" || p.resource == "blob" || p.resource == "rpc" && !chat
	case transitionChat:
		return chat
	case transitionEmail:
		return p == AccountPermission("email", "read")
	}
	return false
}

// in reports whether a grant allows it.
func (p Permission) in(g grant) bool {
	if p.resource != g.resource {
		return false
	}
	switch p.resource {
	case "repo":
		actions := g.params["action"]
		return g.has("collection", p.subject) && (len(actions) == 0 || slices.Contains(actions, p.detail))
	case "rpc":
		return g.has("lxm", p.subject) && g.has("aud", p.detail)
	case "blob":
		return slices.ContainsFunc(g.params["accept"], func(pattern string) bool { return matchMedia(pattern, p.subject) })
	case "account":
		return g.has("attr", p.subject) && (p.detail == "read" || slices.Contains(g.params["action"], p.detail))
	case "identity":
		return g.has("attr", p.subject)
	}
	return false
}

// matchMedia reports whether a media type is of a pattern: "*/*", "image/*" or "image/png".
func matchMedia(pattern, mediaType string) bool {
	mediaType, _, _ = strings.Cut(strings.ToLower(mediaType), ";")
	mediaType = strings.TrimSpace(mediaType)
	if pattern == "*/*" {
		return mediaType != ""
	}
	if major, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(mediaType, strings.ToLower(major))
	}
	return strings.EqualFold(pattern, mediaType)
}
