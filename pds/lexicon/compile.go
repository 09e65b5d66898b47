package lexicon

import (
	"maps"
	"slices"
	"strings"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// compileDefinition compiles a definition of the lexicon base.
func compileDefinition(base syntax.NSID, name string, def any) node {
	switch d := def.(type) {
	case indigo.SchemaRecord:
		o := compileObject(base, d.Record)
		o.name, o.typed = typeName(base, name), true
		return o
	case indigo.SchemaObject:
		o := compileObject(base, d)
		o.name = typeName(base, name)
		return o
	case indigo.SchemaToken:
		return token(typeName(base, name))
	}
	return compile(base, def)
}

// compile compiles a definition without a name.
func compile(base syntax.NSID, def any) node {
	switch d := def.(type) {
	case indigo.SchemaObject:
		return compileObject(base, d)
	case indigo.SchemaArray:
		a := &array{items: compile(base, d.Items.Inner), max: -1}
		if d.MinLength != nil {
			a.min = *d.MinLength
		}
		if d.MaxLength != nil {
			a.max = *d.MaxLength
		}
		return a
	case indigo.SchemaRef:
		return parseRef(base, d.Ref)
	case indigo.SchemaUnion:
		u := &union{variants: map[string]*ref{}, closed: d.Closed != nil && *d.Closed}
		for _, s := range d.Refs {
			r := parseRef(base, s)
			u.variants[typeName(r.id, r.name)] = r
		}
		return u
	case indigo.SchemaUnknown:
		return unknown{}
	case indigo.SchemaString:
		return newStringLeaf(d)
	case indigo.SchemaBlob:
		return &blobLeaf{d}
	case indigo.SchemaBoolean:
		return &leaf{schema: &d}
	case indigo.SchemaInteger:
		return &leaf{&d, len(d.Enum)}
	case indigo.SchemaBytes:
		return &leaf{schema: &d}
	case indigo.SchemaCIDLink:
		return &leaf{schema: &d}
	}
	return noData{}
}

func compileObject(base syntax.NSID, s indigo.SchemaObject) *object {
	return &object{fields: compileFields(base, s.Properties, s.Required, s.Nullable)}
}

func compileFields(base syntax.NSID, properties map[string]indigo.SchemaDef, required, nullable []string) []field {
	fields := make([]field, 0, len(properties))
	isRequired, isNullable := set(required), set(nullable)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		fields = append(fields, field{
			name:     name,
			required: isRequired[name],
			nullable: isNullable[name],
			node:     compile(base, properties[name].Inner),
		})
	}
	return fields
}

// set is for lists that a stranger may have made long.
func set(list []string) map[string]bool {
	s := make(map[string]bool, len(list))
	for _, name := range list {
		s[name] = true
	}
	return s
}

// parseRef reads a reference that stands in the lexicon base.
func parseRef(base syntax.NSID, s string) *ref {
	id, name, _ := strings.Cut(s, "#")
	r := &ref{id: syntax.NSID(id), name: name}
	if id == "" {
		r.id = base
	}
	if name == "" {
		r.name = "main"
	}
	return r
}

// references adds to found the lexicons that a node leads to without going through one of them.
func references(n node, found map[syntax.NSID]bool) {
	switch n := n.(type) {
	case *object:
		for _, f := range n.fields {
			references(f.node, found)
		}
	case *array:
		references(n.items, found)
	case *ref:
		found[n.id] = true
	case *union:
		for _, variant := range n.variants {
			found[variant.id] = true
		}
	}
}
