package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// Scope is what the scope of an OAuth token allows.
//
// Spec: https://atproto.com/specs/permission
type Scope struct {
	grants     []grant
	transition []string // the transitional scopes, without "transition:"
}

// The transitional scopes, which are older than permissions.
const (
	transitionGeneric = "generic"   // what an app password may do
	transitionEmail   = "email"     // read the account's address
	transitionChat    = "chat.bsky" // what a privileged app password may do beyond that
)

// errNotAtproto: the token is for another protocol.
var errNotAtproto = errors.New(`auth: the scope lacks "atproto"`)

// ParseScope parses the scope of a token. Parts that it doesn't know, or that are malformed, allow nothing: it is an error
// only to lack "atproto". Nor does "include:" allow anything: whoever issues a token replaces it by what is included.
func ParseScope(raw string) (Scope, error) {
	var s Scope
	atproto := false
	for part := range strings.FieldsSeq(raw) {
		if part == "atproto" {
			atproto = true
			continue
		}
		if name, ok := strings.CutPrefix(part, "transition:"); ok {
			s.transition = append(s.transition, name)
			continue
		}
		if g, err := parseGrant(part); err == nil {
			s.grants = append(s.grants, g)
		}
	}
	if !atproto {
		return Scope{}, errNotAtproto
	}
	return s, nil
}

// Allows reports whether the scope allows something.
func (s Scope) Allows(p Permission) bool {
	return slices.ContainsFunc(s.transition, p.inTransition) || slices.ContainsFunc(s.grants, p.in)
}

// May returns nil if the caller may do something, as far as the scope of their token is concerned: only that of
// [KindOAuth] limits anybody. Error: [ErrScopeMissing].
//
// A method whose policy admits apps by [Policy.OrApp], without saying for what, has to ask.
func (c Caller) May(p Permission) error {
	if c.Kind != KindOAuth {
		return nil
	}
	if s, err := ParseScope(c.Scope); err == nil && s.Allows(p) {
		return nil
	}
	return ErrScopeMissing.With(`Missing required scope "` + p.String() + `"`)
}

// OrApp returns a policy that admits whom p admits, and apps with an OAuth token whose scope allows all of some
// permissions. Without any, it admits all apps; it is then for the method, which knows what is to be written or called,
// to ask [Caller.May]. [Public] and the zero Policy make no difference between callers, and stay as they are.
func (p Policy) OrApp(needs ...Permission) Policy {
	if p.decide == nil {
		return p
	}
	return Policy{name: p.name + "OrApp", decide: func(ctx context.Context, c Caller, authErr error) error {
		if authErr != nil || c.Kind != KindOAuth {
			return p.Check(ctx, c, authErr)
		}
		if _, err := ParseScope(c.Scope); err != nil {
			return ErrScopeMissing.With(`Missing required scope "atproto"`)
		}
		for _, need := range needs {
			if err := c.May(need); err != nil {
				return err
			}
		}
		return nil
	}}
}
