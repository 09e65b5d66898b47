package auth

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// grant is one permission of a scope, such as "repo:com.example.note?action=create".
type grant struct {
	resource string
	params   map[string][]string
}

// has reports whether a parameter has a value, or the wildcard.
func (g grant) has(param, value string) bool {
	return slices.Contains(g.params[param], value) || slices.Contains(g.params[param], "*")
}

// errGrant: a part of a scope is nothing that we know.
var errGrant = errors.New("auth: not a permission")

// shape is what a resource's permissions consist of.
type shape struct {
	positional string // the parameter that may stand behind the colon; it is required
	valid      map[string]func(string) bool
	once       string // of the other parameters those that can't be repeated, separated by spaces
	required   string // likewise those that must be there
}

var shapes = map[string]shape{
	"repo": {positional: "collection", valid: map[string]func(string) bool{
		"collection": isNSIDOrAny,
		"action":     oneOf("create", "update", "delete"),
	}},
	"rpc": {positional: "lxm", once: "aud", required: "aud", valid: map[string]func(string) bool{
		"lxm": isNSIDOrAny,
		"aud": isServiceOrAny,
	}},
	"blob":     {positional: "accept", valid: map[string]func(string) bool{"accept": isMediaPattern}},
	"identity": {positional: "attr", once: "attr", valid: map[string]func(string) bool{"attr": oneOf("handle", "*")}},
	"account": {positional: "attr", once: "attr action", valid: map[string]func(string) bool{
		"attr":   oneOf("email", "repo"),
		"action": oneOf("read", "manage"),
	}},
	"include": {positional: "nsid", once: "nsid aud", valid: map[string]func(string) bool{
		"nsid": isNSID,
		"aud":  isServiceOrAny,
	}},
}

// parseGrant parses a permission strictly. A parameter that isn't known might restrict the permission, so it is an error.
func parseGrant(raw string) (grant, error) {
	for i := range len(raw) {
		if raw[i] <= ' ' || raw[i] > '~' {
			return grant{}, errGrant
		}
	}
	front, query, _ := strings.Cut(raw, "?")
	resource, positional, hasPositional := strings.Cut(front, ":")
	s, known := shapes[resource]
	params, err := url.ParseQuery(query)
	if err != nil || !known {
		return grant{}, errGrant
	}
	if hasPositional {
		value, err := url.PathUnescape(positional)
		if err != nil || params.Has(s.positional) {
			return grant{}, errGrant
		}
		params[s.positional] = []string{value}
	}
	g := grant{resource, params}
	if !s.fits(params) || resource == "rpc" && g.has("lxm", "*") && g.has("aud", "*") {
		return grant{}, errGrant
	}
	return g, nil
}

func (s shape) fits(params url.Values) bool {
	if len(params[s.positional]) == 0 {
		return false
	}
	for name := range strings.FieldsSeq(s.required) {
		if len(params[name]) == 0 {
			return false
		}
	}
	for name, values := range params {
		valid, known := s.valid[name]
		if !known || len(values) > 1 && slices.Contains(strings.Fields(s.once), name) {
			return false
		}
		for _, v := range values {
			if !valid(v) {
				return false
			}
		}
	}
	return true
}

func oneOf(values ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(values, v) }
}

func isNSID(v string) bool {
	_, err := syntax.ParseNSID(v)
	return err == nil
}

func isNSIDOrAny(v string) bool { return v == "*" || isNSID(v) }

// isServiceOrAny takes a DID with the ID of a service of its document behind.
func isServiceOrAny(v string) bool {
	did, service, _ := strings.Cut(v, "#")
	_, err := syntax.ParseDID(did)
	return v == "*" || err == nil && service != "" && !strings.Contains(service, "#")
}

func isMediaPattern(v string) bool {
	major, minor, ok := strings.Cut(v, "/")
	switch {
	case !ok || major == "" || minor == "" || strings.Contains(minor, "/"):
		return false
	case major == "*":
		return minor == "*"
	}
	return minor == "*" || !strings.Contains(minor, "*")
}
