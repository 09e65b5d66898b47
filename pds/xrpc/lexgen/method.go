package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
)

func (g *generator) query(id, name string, s indigo.SchemaQuery) error {
	in, err := g.params(name, s.Parameters)
	if err != nil {
		return err
	}
	out, err := g.body(id, name+"Output", s.Output)
	switch {
	case err != nil:
		return err
	case out == "":
		g.raw(id, name, "Get", in, s.Description)
	default:
		g.typed(id, name, "Query", in, out, s.Description)
	}
	return nil
}

func (g *generator) procedure(id, name string, s indigo.SchemaProcedure) error {
	params, err := g.params(name, s.Parameters)
	if err != nil {
		return err
	}
	in, err := g.body(id, name+"Input", s.Input)
	if err != nil {
		return err
	}
	out, err := g.body(id, name+"Output", s.Output)
	switch {
	case err != nil:
		return err
	case in == "" || out == "":
		g.raw(id, name, "Post", params, s.Description)
	default:
		g.typed(id, name, "Procedure", in, out, s.Description)
	}
	return nil
}

// typed writes what registers a method with bodies of JSON.
func (g *generator) typed(id, name, kind, in, out string, description *string) {
	g.uses("context", "")
	function := fmt.Sprintf("func(context.Context, *xrpc.Call[%s]) (*%s, error)", in, out)
	g.register(id, name, function, fmt.Sprintf("xrpc.%s(%q, policy, fn)", kind, id), description)
}

// raw writes what registers a method with a body that isn't JSON.
func (g *generator) raw(id, name, verb, params string, description *string) {
	g.uses("net/http", "")
	function := fmt.Sprintf("func(http.ResponseWriter, *xrpc.Call[%s]) error", params)
	g.register(id, name, function, fmt.Sprintf("xrpc.Raw(%q, policy, http.Method%s, fn)", id, verb), description)
}

// subscription writes the type of the parameters, and what registers the subscription. Its messages are definitions like
// others.
func (g *generator) subscription(id, name string, s indigo.SchemaSubscription) error {
	in, err := g.params(name, s.Parameters)
	if err != nil {
		return err
	}
	for _, ref := range s.Message.Schema.Refs {
		if _, err := g.variant(fullReference(id, ref)); err != nil {
			return err
		}
	}
	g.uses("context", "")
	function := fmt.Sprintf("func(context.Context, *xrpc.Call[%s], *xrpc.Stream) error", in)
	g.register(id, name, function, fmt.Sprintf("xrpc.Subscription(%q, policy, fn)", id), s.Description)
	return nil
}

// register writes a function that makes a method of a function of some type, by a call of a
// constructor.
func (g *generator) register(id, name, function, call string, description *string) {
	g.uses("github.com/pdskit/pdskit/auth", "")
	g.uses("github.com/pdskit/pdskit/pds/xrpc", "")
	g.comment(fmt.Sprintf("%s makes the method %s.", name, id), description)
	g.printf("func %s(policy auth.Policy, fn %s) xrpc.Method {\n", name, function)
	g.printf("\treturn %s\n}\n\n", call)
}

// body writes the type of a body, and returns it: "struct{}" for none, "" for one that isn't JSON.
func (g *generator) body(id, name string, s *indigo.SchemaBody) (string, error) {
	switch {
	case s == nil:
		return "struct{}", nil
	case s.Encoding != "application/json":
		return "", nil
	case s.Schema == nil:
		return g.uses("encoding/json", "json.RawMessage"), nil
	}
	if o, ok := s.Schema.Inner.(indigo.SchemaObject); ok {
		name = g.derived(name)
		g.comment(fmt.Sprintf("%s is of %s.", name, id), s.Description)
		return name, g.object(name, "", o)
	}
	var later []func() error
	t, err := g.goType(name, s.Schema.Inner, &later)
	if err == nil {
		err = runAll(later)
	}
	return t, err
}

// params writes the struct of a method's parameters, and returns its name: "struct{}" if there are none.
func (g *generator) params(name string, s *indigo.SchemaParams) (string, error) {
	if s == nil || len(s.Properties) == 0 {
		return "struct{}", nil
	}
	name = g.derived(name + "Params")
	g.comment(fmt.Sprintf("%s are parameters of %s.", name, g.base), s.Description)
	g.printf("type %s struct {\n", name)
	fields := fieldNames{}
	for _, property := range sorted(s.Properties) {
		def := s.Properties[property].Inner
		t, err := g.goType("", def, nil)
		if err != nil {
			return "", fmt.Errorf("%s: %w", property, err)
		}
		f, tags := field{required: slices.Contains(s.Required, property)}, bounds(def)
		if !f.required && !strings.Contains(tags, "default:") {
			t = f.goType(t)
		}
		g.printf("\t%s %s `json:\"%s\"%s`\n", fields.add(exported(property)), t, f.tag(property), tags)
	}
	g.printf("}\n\n")
	return name, nil
}

// bounds returns the tags of a parameter that say more than its name.
func bounds(def any) (tags string) {
	add := func(name string, value any) { tags += fmt.Sprintf(" %s:\"%v\"", name, value) }
	switch d := def.(type) {
	case indigo.SchemaInteger:
		if d.Default != nil {
			add("default", *d.Default)
		}
		if d.Minimum != nil || d.Maximum != nil {
			add("min", or(d.Minimum, math.MinInt64))
			add("max", or(d.Maximum, math.MaxInt64))
		}
	case indigo.SchemaBoolean:
		if d.Default != nil {
			add("default", *d.Default)
		}
	case indigo.SchemaString:
		if d.Default != nil && !strings.ContainsAny(*d.Default, "\"`\\") {
			add("default", *d.Default)
		}
	}
	return tags
}

func or(p *int, otherwise int) int {
	if p != nil {
		return *p
	}
	return otherwise
}
