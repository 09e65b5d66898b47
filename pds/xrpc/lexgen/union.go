package main

import (
	"strings"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
)

// union writes a struct with a pointer for each variant, and the methods that turn it into JSON and back.
func (g *generator) union(name string, s indigo.SchemaUnion) error {
	type variant struct{ field, lexiconType string }
	var variants []variant
	fields := fieldNames{"Other": true}
	g.printf("// %s is one of its fields: a variant, or JSON of another type.\ntype %s struct {\n", name, name)
	for _, ref := range s.Refs {
		reference := fullReference(g.base, ref)
		t, err := g.variant(reference)
		if err != nil {
			return err
		}
		if t == "" {
			continue
		}
		id, fragment, _ := strings.Cut(reference, "#")
		v := variant{fields.add(t), typeName(id, fragment)}
		variants = append(variants, v)
		g.printf("\t%s *%s\n", v.field, t)
	}
	g.uses("encoding/json", "")
	g.printf("\tOther json.RawMessage\n}\n\n")

	g.printf("// MarshalJSON encodes the field that is set, with its $type.\nfunc (u %s) MarshalJSON() ([]byte, error) {\n\tswitch {\n", name)
	for _, v := range variants {
		g.printf("\tcase u.%[1]s != nil:\n\t\tv := *u.%[1]s\n\t\tv.LexiconType = %[2]q\n\t\treturn json.Marshal(v)\n", v.field, v.lexiconType)
	}
	g.printf("\t}\n\treturn u.Other.MarshalJSON()\n}\n\n")

	g.printf("// UnmarshalJSON sets the field that $type names.\nfunc (u *%s) UnmarshalJSON(b []byte) error {\n", name)
	g.printf("\tvar t struct {\n\t\tType string `json:\"$type\"`\n\t}\n")
	g.printf("\tif err := json.Unmarshal(b, &t); err != nil {\n\t\treturn err\n\t}\n\t*u = %s{}\n\tswitch t.Type {\n", name)
	for _, v := range variants {
		g.printf("\tcase %q:\n\t\treturn json.Unmarshal(b, &u.%s)\n", v.lexiconType, v.field)
	}
	g.printf("\t}\n\treturn u.Other.UnmarshalJSON(b)\n}\n\n")
	return nil
}

// variant returns the Go type of a union's variant, "" if it isn't an object: only those have a $type.
func (g *generator) variant(reference string) (string, error) {
	schema, err := g.catalog.Resolve(reference)
	if err != nil {
		return "", err
	}
	switch schema.Def.(type) {
	case indigo.SchemaObject, indigo.SchemaRecord:
		return g.referred(reference, nil)
	}
	return "", nil
}
