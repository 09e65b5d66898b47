package auth

import (
	"slices"
	"strings"
)

// Scope is the scope of a token. That of an OAuth token says what it allows.
//
// Spec: https://atproto.com/specs/permission
type Scope string

// The transitional scopes, which are older than permissions.
const (
	transitionGeneric = "generic"   // what an app password may do
	transitionEmail   = "email"     // read the account's address
	transitionChat    = "chat.bsky" // what a privileged app password may do beyond that
)

// Allows reports whether the scope of an OAuth token allows something. Unknown and malformed parts
// allow nothing. Without "atproto", the whole scope allows nothing. "include:" allows nothing either:
// the issuer of a token replaces it by what it includes.
func (s Scope) Allows(p Permission) bool {
	return s.atproto() && slices.ContainsFunc(strings.Fields(string(s)), p.inPart)
}

// atproto reports whether the scope is for this protocol.
func (s Scope) atproto() bool { return slices.Contains(strings.Fields(string(s)), "atproto") }

// inPart reports whether one part of a scope allows it.
func (p Permission) inPart(part string) bool {
	if name, ok := strings.CutPrefix(part, "transition:"); ok {
		return p.inTransition(name)
	}
	g, err := parseGrant(part)
	return err == nil && p.in(g)
}

// May returns nil if the caller may do something, as far as the scope of their token is concerned: only that of
// [KindOAuth] limits anybody. Error: [ErrScopeMissing].
//
// A method whose policy admits apps by [Policy.OrApp], without saying for what, has to ask.
func (c Caller) May(p Permission) error {
	if c.Kind != KindOAuth || c.Scope.Allows(p) {
		return nil
	}
	return ErrScopeMissing.With(`Missing required scope "` + p.String() + `"`)
}
