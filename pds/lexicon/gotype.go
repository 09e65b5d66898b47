package lexicon

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
)

// CheckTypes says where Go types and the lexicon disagree: the struct that a request's parameters or, for a procedure, its
// JSON body are decoded into, and the one that the response's JSON is encoded from; struct{} where there is none. It
// reports all that is wrong at once.
//
//   - Each field of a request, by its json tag, is a property; a response may have more than the lexicon knows of.
//   - It is of a kind that the property's values fit in.
//   - What a request must have is a field without omitempty, and what it may have is one with it, or none.
//   - What a response must have is a field without omitempty.
//
// Types that encode or decode themselves are taken at their word, as are interfaces.
func (m *Method) CheckTypes(in, out reflect.Type) error {
	var errs []error
	if m.verb == http.MethodGet {
		errs = m.agreeParams(in)
	} else {
		errs = m.agreeBody(&agreement{at: "input", request: true}, in, m.input)
	}
	return m.join(append(errs, m.agreeBody(&agreement{at: "output"}, out, m.output)...))
}

// CheckParamTypes is [Method.CheckTypes] for a method whose bodies no Go types stand for: it
// compares the struct that the parameters are decoded into, those of a procedure too.
func (m *Method) CheckParamTypes(in reflect.Type) error { return m.join(m.agreeParams(in)) }

func (m *Method) agreeParams(in reflect.Type) []error {
	fields := make([]field, len(m.params))
	for i := range m.params {
		fields[i] = m.params[i].field
	}
	return m.agree(&agreement{at: "params", request: true}, in, &object{fields: fields})
}

// join says of which method errors are.
func (m *Method) join(errs []error) error {
	for i, err := range errs {
		errs[i] = fmt.Errorf("lexicon: %s: %w", m.id, err)
	}
	return errors.Join(errs...)
}

func (m *Method) agreeBody(a *agreement, t reflect.Type, b *body) []error {
	hasFields := t.Kind() == reflect.Struct && t.NumField() > 0
	switch {
	case b == nil && hasFields:
		return []error{fmt.Errorf("%s: %s, but the lexicon has none", a.at, t)}
	case b != nil && hasFields && !b.mayBeJSON():
		return []error{fmt.Errorf("%s: %s is JSON, but the lexicon's is %s", a.at, t, b.encoding)}
	case b == nil || b.encoding != encodingJSON || b.node == nil:
		return nil
	}
	return m.agree(a, t, b.node)
}

// agreement is a comparison under way.
type agreement struct {
	at      string // the way to here
	request bool
	nested  bool         // below the top level, where requests may leave out what they like: it's for the method to see to
	outer   []comparison // what this is a part of, so that a type that contains itself comes to an end
}

type comparison struct {
	t reflect.Type
	o *object
}

func (a *agreement) inside(part string) *agreement {
	return &agreement{at: a.at + "." + part, request: a.request, nested: true, outer: a.outer}
}

func (a *agreement) errorf(format string, args ...any) []error {
	return []error{fmt.Errorf("%s: "+format, append([]any{a.at}, args...)...)}
}

// agree compares a type with a node. Of what refers to an unknown lexicon it can say nothing.
func (m *Method) agree(a *agreement, t reflect.Type, n node) []error {
	for t.Kind() == reflect.Pointer && !encodesItself(t) {
		t = t.Elem()
	}
	if encodesItself(t) || t.Kind() == reflect.Interface {
		return nil
	}
	switch n := n.(type) {
	case *ref:
		target, err := m.catalog.node(n)
		if err != nil {
			return nil
		}
		return m.agree(a, t, target)
	case *object:
		if t.Kind() == reflect.Struct {
			return m.agreeObject(a, t, n)
		}
	case *array:
		if t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
			return m.agree(a.inside("[]"), t.Elem(), n.items)
		}
		return a.errorf("%s is no slice", t)
	}
	if !fits(t, n) {
		return a.errorf("%s can't hold what the lexicon says", t)
	}
	return nil
}

func (m *Method) agreeObject(a *agreement, t reflect.Type, o *object) (errs []error) {
	this := comparison{t, o}
	if slices.Contains(a.outer, this) {
		return nil
	}
	a.outer = append(slices.Clip(a.outer), this)
	have := goFields(t)
	for _, f := range o.fields {
		g, ok := have[f.name]
		delete(have, f.name)
		part := a.inside(f.name)
		switch {
		case !ok && f.required && !a.nested:
			errs = append(errs, part.errorf("%s has no such field, but it is required", t)...)
		case ok && f.required && g.optional && (!a.request || !a.nested):
			errs = append(errs, part.errorf("omitempty, but it is required")...)
		case ok && !f.required && !g.optional && a.request && !a.nested:
			errs = append(errs, part.errorf("no omitempty, but it is not required")...)
		}
		if ok {
			errs = append(errs, m.agree(part, g.t, f.node)...)
		}
	}
	delete(have, "$type")
	if !a.request {
		return errs
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		errs = append(errs, a.inside(name).errorf("%s has this field, but the lexicon has no such property", t)...)
	}
	return errs
}

type goField struct {
	t        reflect.Type
	optional bool
}

// goFields returns the fields of a struct, and of those embedded in it, by their json names.
func goFields(t reflect.Type) map[string]goField {
	fields := map[string]goField{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		fields[name] = goField{f.Type, optional}
	}
	return fields
}

// encodesItself says whether only a type's methods know what its JSON looks like.
func encodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	_, appends := p.MethodByName("AppendJSON")
	return appends || p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[json.Unmarshaler]())
}

func isText(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[encoding.TextMarshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// fits says whether values of a node fit in a type that isn't to be looked into.
func fits(t reflect.Type, n node) bool {
	if l, ok := n.(*leaf); ok {
		switch l.schema.(type) {
		case *indigo.SchemaInteger:
			return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64
		case *indigo.SchemaBoolean:
			return t.Kind() == reflect.Bool
		}
	}
	switch n.(type) {
	case *stringLeaf, token:
		return t.Kind() == reflect.String || isText(t)
	}
	return (t.Kind() == reflect.Struct || t.Kind() == reflect.Map) && !isText(t)
}
