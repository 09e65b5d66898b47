package firehose

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"unicode"
)

// DecodeRecord stores a record, which package atdata of indigo represents as value, in what into points to: anything that
// the record's JSON can be decoded into. The value isn't to be used after that.
//
// To package json alone, "displayname" is as good as "displayName", and the last of them counts: whoever writes both shows
// the program one thing, and people another. Here, the one that is spelt as the field's name does.
//
// Errors: the record doesn't fit; or it has several properties for a field, and none is spelt so. For what decodes itself,
// nothing may differ in case only.
func DecodeRecord(value map[string]any, into any) error {
	if err := exact(value, reflect.TypeOf(into)); err != nil {
		return err
	}
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

var (
	decodesItself = reflect.TypeFor[json.Unmarshaler]()
	rawMessage    = reflect.TypeFor[json.RawMessage]()
)

var errLikeNames = errors.New("firehose: the names of two properties differ in case only")

// exact removes from a value that is to become a t what package json would take for a field that has its own property.
func exact(value any, t reflect.Type) error {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == nil || t == rawMessage:
		return nil
	case reflect.PointerTo(t).Implements(decodesItself):
		if likeNames(value) {
			return errLikeNames
		}
		return nil
	}
	switch v := value.(type) {
	case []any:
		if t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
			return nil
		}
		for _, item := range v {
			if err := exact(item, t.Elem()); err != nil {
				return err
			}
		}
	case map[string]any:
		return exactObject(v, t)
	}
	return nil
}

func exactObject(object map[string]any, t reflect.Type) error {
	switch t.Kind() {
	case reflect.Map:
		for _, inner := range object {
			if err := exact(inner, t.Elem()); err != nil {
				return err
			}
		}
	case reflect.Struct:
		fields := fieldsOf(t)
		for name := range fields {
			if err := exactField(object, name, fields); err != nil {
				return err
			}
		}
	}
	return nil
}

func exactField(object map[string]any, name string, fields map[string]reflect.Type) error {
	var like []string
	for other := range object {
		if _, isField := fields[other]; !isField && strings.EqualFold(other, name) {
			like = append(like, other)
		}
	}
	if inner, ok := object[name]; ok {
		for _, other := range like {
			delete(object, other)
		}
		return exact(inner, fields[name])
	}
	switch len(like) {
	case 0:
		return nil
	case 1:
		return exact(object[like[0]], fields[name])
	}
	return errLikeNames
}

// structs has what fieldsOf has found, by types: to look takes longer than to decode.
var structs sync.Map

// fieldsOf returns a struct's fields by their names in JSON.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if fields, ok := structs.Load(t); ok {
		return fields.(map[string]reflect.Type)
	}
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" && !f.Anonymous {
			name = f.Name
		}
		if f.IsExported() && name != "" {
			fields[name] = f.Type
		}
	}
	structs.Store(t, fields)
	return fields
}

// likeNames reports whether an object somewhere in a value has two names that differ in case only.
func likeNames(value any) bool {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if likeNames(item) {
				return true
			}
		}
	case map[string]any:
		names := make(map[string]bool, len(v))
		for name, inner := range v {
			folded := strings.Map(fold, name)
			if names[folded] || likeNames(inner) {
				return true
			}
			names[folded] = true
		}
	}
	return false
}

// fold returns the least of the letters that differ from r in case only.
func fold(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}
