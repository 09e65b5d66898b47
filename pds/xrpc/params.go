package xrpc

import (
	"encoding"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// plan says how to decode an input type. It is made once, when a method is.
type plan struct{ fields []field }

type field struct {
	name     string
	index    int
	required bool
	def      string
	min, max int64
	slice    bool
	set      func(v reflect.Value, s string) error // of the field, or of an element of its slice
}

var plans sync.Map // reflect.Type → *plan

func planFor(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p, _ := plans.LoadOrStore(t, newPlan(t.String(), t, true))
	return p.(*plan)
}

// newPlan panics with the method's name if t can't be an input. With params, its fields must be of kinds that
// parameters can have.
func newPlan(method string, t reflect.Type, params bool) *plan {
	if t.Kind() != reflect.Struct {
		panic("xrpc: " + method + ": the input " + t.String() + " is not a struct")
	}
	p := &plan{}
	for i := range t.NumField() {
		sf := t.Field(i)
		name, opts, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if !sf.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			panic("xrpc: " + method + ": the field " + sf.Name + " has no json name")
		}
		f := field{name: name, index: i, required: !strings.Contains(opts, "omitempty"), def: sf.Tag.Get("default")}
		f.min, f.max = bound(method, sf, "min", math.MinInt64), bound(method, sf, "max", math.MaxInt64)
		if params {
			ft := sf.Type
			if ft.Kind() == reflect.Slice && !isText(ft) {
				f.slice, ft = true, ft.Elem()
			}
			if f.set = setter(ft); f.set == nil {
				panic("xrpc: " + method + ": the field " + sf.Name + " can't be a parameter")
			}
		}
		p.fields = append(p.fields, f)
	}
	return p
}

func bound(method string, sf reflect.StructField, tag string, none int64) int64 {
	s, ok := sf.Tag.Lookup(tag)
	if !ok {
		return none
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic("xrpc: " + method + ": the tag " + tag + " of " + sf.Name + " is not a number")
	}
	return n
}

func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func setter(t reflect.Type) func(reflect.Value, string) error {
	if isText(t) {
		return func(v reflect.Value, s string) error {
			return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s))
		}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return pointerSetter(t.Elem())
	case reflect.String:
		return func(v reflect.Value, s string) error { v.SetString(s); return nil }
	case reflect.Int, reflect.Int64:
		return func(v reflect.Value, s string) error {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return InvalidRequest("must be an integer")
			}
			v.SetInt(n)
			return nil
		}
	case reflect.Bool:
		return func(v reflect.Value, s string) error {
			if s != "true" && s != "false" {
				return InvalidRequest("must be true or false")
			}
			v.SetBool(s == "true")
			return nil
		}
	}
	return nil
}

// pointerSetter is for a parameter whose absence is something else than its zero value.
func pointerSetter(t reflect.Type) func(reflect.Value, string) error {
	set := setter(t)
	if set == nil {
		return nil
	}
	return func(v reflect.Value, s string) error {
		v.Set(reflect.New(t))
		return set(v.Elem(), s)
	}
}

// DecodeParams decodes parameters that a method has beside its input, into the fields of a struct
// as those of a [Query] are: those of a [Procedure], and those that a lexicon doesn't know. It
// panics if the struct that in points to can't be decoded from parameters.
func DecodeParams(r *http.Request, in any) error {
	v := reflect.ValueOf(in).Elem()
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return errQuery
	}
	return planFor(v.Type()).decode(query, v)
}

// decodeParams returns what decodes a method's parameters, and holds them against its lexicon.
func decodeParams[In any](id string) func(*request, *In) error {
	plan := newPlan(id, reflect.TypeFor[In](), true)
	return func(q *request, in *In) error {
		if len(plan.fields) == 0 && q.lexicon == nil {
			return nil
		}
		query, err := url.ParseQuery(q.r.URL.RawQuery)
		if err != nil {
			return errQuery
		}
		if err := plan.decode(query, reflect.ValueOf(in).Elem()); err != nil || q.lexicon == nil {
			return err
		}
		return refuse(q.lexicon.CheckParams(query))
	}
}

var errQuery = InvalidRequest("Error: Params are not a valid query string")

// decode decodes parameters into v.
func (p *plan) decode(query url.Values, v reflect.Value) error {
	for i := range p.fields {
		f := &p.fields[i]
		if err := f.decode(query[f.name], v.Field(f.index)); err != nil {
			return err
		}
	}
	return nil
}

func (f *field) decode(values []string, v reflect.Value) error {
	if len(values) == 1 && values[0] == "" {
		values = nil // an empty parameter counts as none
	}
	if len(values) == 0 && f.def != "" {
		values = []string{f.def}
	}
	if len(values) == 0 {
		if f.required {
			return InvalidRequest("Error: Params must have the property %q", f.name)
		}
		return nil
	}
	if !f.slice {
		if len(values) > 1 {
			return InvalidRequest("Error: Param %q must be given once", f.name)
		}
		return f.one(values[0], v)
	}
	v.Set(reflect.MakeSlice(v.Type(), len(values), len(values)))
	for i, s := range values {
		if err := f.one(s, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (f *field) one(s string, v reflect.Value) error {
	if err := f.set(v, s); err != nil {
		if e, ok := err.(*Error); ok {
			return InvalidRequest("Error: Param %q %s", f.name, e.Message)
		}
		return InvalidRequest("Error: Param %q is not valid: %s", f.name, err)
	}
	if v = reflect.Indirect(v); !v.CanInt() {
		return nil
	}
	switch n := v.Int(); {
	case n < f.min:
		return InvalidRequest("Error: Param %q can not be less than %d", f.name, f.min)
	case n > f.max:
		return InvalidRequest("Error: Param %q can not be greater than %d", f.name, f.max)
	}
	return nil
}
