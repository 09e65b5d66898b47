package preference

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// values are an account's preferences of all namespaces, as they're stored: a JSON array, or nothing.
type values []json.RawMessage

func decode(did syntax.DID, stored []byte) (all values, err error) {
	if len(stored) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(stored, &all); err != nil {
		return nil, fmt.Errorf("preference: of %s: %w", did, err)
	}
	return all, nil
}

// Count returns how many preferences an account has, of all namespaces. Error: storage.ErrNotFound.
func (s *Server) Count(ctx context.Context, did syntax.DID) (int64, error) {
	stored, err := s.Accounts.Preferences(ctx, did)
	if err != nil {
		return 0, err
	}
	all, err := decode(did, stored)
	return int64(len(all)), err
}

// load returns an account's preferences of a namespace, which may be none.
func (s *Server) load(ctx context.Context, did syntax.DID, n Namespace) (values, error) {
	stored, err := s.Accounts.Preferences(ctx, did)
	if err != nil {
		return nil, err
	}
	all, err := decode(did, stored)
	return slices.DeleteFunc(all, func(p json.RawMessage) bool { return !n.has(typeOf(p)) }), err
}

// replace removes those of an account's preferences of a namespace that kept doesn't hold on to, and adds fresh ones, in one
// step.
func (s *Server) replace(
	ctx context.Context, did syntax.DID, n Namespace, kept func(json.RawMessage) bool, fresh values,
) error {
	return s.Accounts.UpdatePreferences(ctx, did, func(old []byte) ([]byte, error) {
		all, err := decode(did, old)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(p json.RawMessage) bool { return n.has(typeOf(p)) && !kept(p) })
		return json.Marshal(append(all, fresh...))
	})
}

// has reports whether preferences of a type are those of the namespace.
func (n Namespace) has(typ string) bool { return typ == n.Name || strings.HasPrefix(typ, n.Name+".") }

func (n Namespace) isPrivate(p json.RawMessage) bool { return slices.Contains(n.Private, typeOf(p)) }

// typeOf returns the type of a preference, "" if it has none. Just the property "$type" is it: to decode into a struct would
// take "$TYPE" for one, too, and what passes here for one type be of another to those who read it.
func typeOf(p json.RawMessage) string {
	var properties map[string]json.RawMessage
	var typ string
	if json.Unmarshal(p, &properties) != nil || json.Unmarshal(properties["$type"], &typ) != nil {
		return ""
	}
	return typ
}
