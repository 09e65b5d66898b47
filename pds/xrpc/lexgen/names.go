package main

import (
	"maps"
	"slices"
	"strings"
)

// names are the Go names of lexicons, by their IDs: as many of an ID's last segments as it takes to tell the host's
// lexicons apart.
type names map[string]string

func nameAll(ids []string) names {
	n := names{}
	for segments := 1; len(n) < len(ids); segments++ {
		count := map[string]int{}
		for _, id := range ids {
			count[lastSegments(id, segments)]++
		}
		for _, id := range ids {
			name := lastSegments(id, segments)
			if n[id] == "" && (count[name] == 1 || segments >= strings.Count(id, ".")+1) {
				n[id] = name
			}
		}
	}
	return n
}

// lastSegments makes a name of so many segments of an ID. A last one of "defs" says nothing and doesn't count.
func lastSegments(id string, n int) string {
	segments := strings.Split(strings.TrimSuffix(id, ".defs"), ".")
	var b strings.Builder
	for _, s := range segments[max(0, len(segments)-n):] {
		b.WriteString(exported(s))
	}
	return b.String()
}

// of returns the name of a definition. That of a lexicon that isn't the host's has all segments of its ID.
func (n names) of(id, fragment string) string {
	name, ok := n[id]
	if !ok {
		name = lastSegments(id, strings.Count(id, ".")+1)
	}
	if fragment != "main" {
		name += exported(fragment)
	}
	return name
}

// derived returns a name for a type that has none in the lexicon. No other type has it.
func (g *generator) derived(name string) string {
	for g.defined[name] || g.declared[name] != "" {
		name += "_"
	}
	g.declared[name] = g.base
	return name
}

// fieldNames are the names that fields of a struct have.
type fieldNames map[string]bool

// add returns the name of another field.
func (n fieldNames) add(name string) string {
	for n[name] {
		name += "_"
	}
	n[name] = true
	return name
}

// initialisms are written in capitals.
var initialisms = []string{"did", "cid", "uri", "url", "id", "rkey", "nsid", "tid"}

// exported makes an exported name of a property's or definition's.
func exported(s string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return !isWord(r) }) {
		if slices.Contains(initialisms, part) {
			b.WriteString(strings.ToUpper(part))
			continue
		}
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	if b.Len() == 0 || b.String()[0] >= '0' && b.String()[0] <= '9' {
		return "X" + b.String()
	}
	return b.String()
}

func isWord(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// typeName is what $type says of a definition.
func typeName(id, fragment string) string {
	if fragment == "main" {
		return id
	}
	return id + "#" + fragment
}

// fullReference returns the reference that stands in a lexicon, with its ID and its fragment.
func fullReference(base, reference string) string {
	id, fragment, _ := strings.Cut(reference, "#")
	if id == "" {
		id = base
	}
	if fragment == "" {
		fragment = "main"
	}
	return id + "#" + fragment
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
