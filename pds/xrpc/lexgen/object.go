package main

import (
	"fmt"
	"slices"
	"strings"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
)

// object writes a struct. Its name and comment are written by the caller; lexiconType is what $type says, "" if the object
// has no name. What it has inside that needs types of its own follows it.
func (g *generator) object(name, lexiconType string, s indigo.SchemaObject) error {
	g.printf("type %s struct {\n", name)
	fields := fieldNames{}
	if lexiconType != "" {
		fields.add("LexiconType")
		g.printf("\tLexiconType string `json:\"$type,omitempty\"` // %q\n\n", lexiconType)
	}
	var later []func() error
	for _, property := range sorted(s.Properties) {
		t, err := g.goType(name+exported(property), s.Properties[property].Inner, &later)
		if err != nil {
			return fmt.Errorf("%s: %w", property, err)
		}
		f := field{
			required: slices.Contains(s.Required, property),
			nullable: slices.Contains(s.Nullable, property),
		}
		g.printf("\t%s %s `json:\"%s\"`\n", fields.add(exported(property)), f.goType(t), f.tag(property))
	}
	g.printf("}\n\n")
	return runAll(later)
}

func runAll(functions []func() error) error {
	for _, f := range functions {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// field is what a property's type depends on, beside its schema.
type field struct{ required, nullable bool }

// goType makes a pointer of a type whose zero value isn't to be encoded, or means something else than absence.
func (f field) goType(t string) string {
	switch {
	case strings.HasPrefix(t, "[]") || t == "json.RawMessage" || t == "atdata.Bytes":
		return t
	case f.nullable, !f.required && !isText(t):
		return "*" + t
	}
	return t
}

func (f field) tag(name string) string {
	if f.required {
		return name
	}
	return name + ",omitempty"
}

func isText(t string) bool { return t == "string" || strings.HasPrefix(t, "syntax.") }

// formats are the Go types of strings that have a format.
var formats = map[string]string{
	"at-identifier": "syntax.AtIdentifier", "at-uri": "syntax.ATURI", "cid": "syntax.CID", "datetime": "syntax.Datetime",
	"did": "syntax.DID", "handle": "syntax.Handle", "nsid": "syntax.NSID", "uri": "syntax.URI",
	"language": "syntax.Language", "tid": "syntax.TID", "record-key": "syntax.RecordKey",
}

// goType returns the Go type of a value. If it needs a type of its own, that has the name, and is written later.
func (g *generator) goType(name string, def any, later *[]func() error) (string, error) {
	switch d := def.(type) {
	case indigo.SchemaBoolean:
		return "bool", nil
	case indigo.SchemaInteger:
		return "int64", nil
	case indigo.SchemaString:
		if d.Format != nil && formats[*d.Format] != "" {
			return g.uses("github.com/bluesky-social/indigo/atproto/syntax", formats[*d.Format]), nil
		}
		return "string", nil
	case indigo.SchemaBytes:
		return g.uses("github.com/bluesky-social/indigo/atproto/atdata", "atdata.Bytes"), nil
	case indigo.SchemaCIDLink:
		return g.uses("github.com/bluesky-social/indigo/atproto/atdata", "atdata.CIDLink"), nil
	case indigo.SchemaBlob:
		return g.uses("github.com/bluesky-social/indigo/atproto/atdata", "atdata.Blob"), nil
	case indigo.SchemaUnknown:
		return g.uses("encoding/json", "json.RawMessage"), nil
	case indigo.SchemaArray:
		t, err := g.goType(name+"Elem", d.Items.Inner, later)
		return "[]" + t, err
	case indigo.SchemaToken:
		return "string", nil
	case indigo.SchemaObject:
		name = g.derived(name)
		*later = append(*later, func() error {
			g.comment(name+" is a part of "+g.base+".", d.Description)
			return g.object(name, "", d)
		})
		return name, nil
	case indigo.SchemaUnion:
		name = g.derived(name)
		*later = append(*later, func() error { return g.union(name, d) })
		return name, nil
	case indigo.SchemaRef:
		return g.referred(fullReference(g.base, d.Ref), later)
	}
	return "", fmt.Errorf("a value can't be of the schema %T", def)
}

// referred returns the Go type of what a reference leads to.
func (g *generator) referred(reference string, later *[]func() error) (string, error) {
	schema, err := g.catalog.Resolve(reference)
	if err != nil {
		return "", err
	}
	id, fragment, _ := strings.Cut(reference, "#")
	name := g.names.of(id, fragment)
	switch d := schema.Def.(type) {
	case indigo.SchemaObject, indigo.SchemaRecord:
		g.todo = append(g.todo, reference)
		return name, nil
	case indigo.SchemaArray:
		base := g.base
		g.base = id
		defer func() { g.base = base }()
		return g.arrayOf(reference, name, d, later)
	}
	return g.goType(name, schema.Def, later)
}

// arrayOf returns the type of a named array, whose elements' type is written once.
func (g *generator) arrayOf(reference, name string, a indigo.SchemaArray, later *[]func() error) (string, error) {
	if t, ok := g.arrays[reference]; ok {
		return t, nil
	}
	g.arrays[reference] = "[]any" // inside itself
	var inner []func() error
	t, err := g.goType(name+"Elem", a.Items.Inner, &inner)
	if err != nil {
		return "", err
	}
	g.arrays[reference] = "[]" + t
	id := g.base
	for _, f := range inner {
		*later = append(*later, func() error {
			base := g.base
			g.base = id
			defer func() { g.base = base }()
			return f()
		})
	}
	return "[]" + t, nil
}

// uses notes an import that a type needs.
func (g *generator) uses(path, t string) string {
	g.imports[path] = true
	return t
}
