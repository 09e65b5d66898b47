package lexicon_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/lexicon"
)

type goodParams struct {
	Name   syntax.Handle  `json:"name"`
	Number int64          `json:"number,omitempty"`
	Names  []string       `json:"names,omitempty"`
	When   *time.Time     `json:"when,omitempty"`
	hidden map[string]any //lint:ignore U1000 for the test
}

type goodOutput struct {
	Type string `json:"$type,omitempty"`
	embedded
	Trees []tree          `json:"trees,omitempty"`
	Any   json.RawMessage `json:"any,omitempty"`
	Blob  map[string]any  `json:"blob,omitempty"`
}

type embedded struct {
	Done bool `json:"done"`
}

type tree struct {
	Size  int   `json:"size"`
	Child *tree `json:"child,omitempty"`
}

type noText struct {
	Name struct{} `json:"name"`
}

type optionalName struct {
	Name string `json:"name,omitempty"`
}

type demandedNumber struct {
	Name   string `json:"name"`
	Number int    `json:"number"`
}

type otherName struct {
	Name   string `json:"name"`
	Nombre int    `json:"nombre,omitempty"`
}

type noSlice struct {
	Name  string `json:"name"`
	Names string `json:"names,omitempty"`
}

type textTree struct {
	Done  bool `json:"done"`
	Trees []struct {
		Size string `json:"size"`
	} `json:"trees,omitempty"`
}

type base64Bytes struct {
	Done  bool   `json:"done"`
	Bytes []byte `json:"bytes,omitempty"`
}

type maybeDone struct {
	Done bool `json:"done,omitempty"`
}

type moreOutput struct {
	Done bool `json:"done"`
	More int  `json:"more"`
}

type appended struct{ hidden int } //lint:ignore U1000 for the test

func (*appended) AppendJSON(dst []byte) ([]byte, error) { return dst, nil }

func TestCheckTypes(t *testing.T) {
	const output = `"output": {"encoding": "application/json", "schema": {"type": "object", "required": ["done"], "properties": {
		"done": {"type": "boolean"},
		"trees": {"type": "array", "items": {"type": "ref", "ref": "com.example.defs#tree"}},
		"any": {"type": "unknown"},
		"bytes": {"type": "bytes"},
		"blob": {"type": "blob"},
		"far": {"type": "ref", "ref": "com.example.unknown#thing"}
	}}}`
	const properties = `"required": ["name"], "properties": {
		"name": {"type": "string", "format": "handle"},
		"number": {"type": "integer"},
		"names": {"type": "array", "items": {"type": "string"}},
		"when": {"type": "string", "format": "datetime"}
	}`
	catalog := newCatalog(t, lexicon.Config{Files: fstest.MapFS{
		"query.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.query", "defs": {"main": {"type": "query",
			"parameters": {"type": "params", ` + properties + `}, ` + output + `}}}`)},
		"procedure.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.procedure", "defs": {"main": {"type": "procedure",
			"input": {"encoding": "application/json", "schema": {"type": "object", ` + properties + `}}, ` + output + `}}}`)},
		"picture.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.picture", "defs": {"main": {"type": "procedure",
			"input": {"encoding": "image/png"}, "output": {"encoding": "image/jpeg"}}}}`)},
		"bare.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.bare", "defs": {"main": {"type": "procedure",
			"parameters": {"type": "params", ` + properties + `}}}}`)},
		"defs.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.defs", "defs": {"tree": {"type": "object",
			"required": ["size"], "properties": {"size": {"type": "integer"}, "child": {"type": "ref", "ref": "#tree"}}}}}`)},
	}})
	for _, c := range []struct {
		in, out any
		want    string
	}{
		{goodParams{}, goodOutput{}, ""},
		{goodParams{}, map[string]any{}, ""},
		{goodParams{}, struct{}{}, "output.done: struct {} has no such field, but it is required"},
		{struct{}{}, goodOutput{}, ".name: struct {} has no such field, but it is required"},
		{noText{}, goodOutput{}, ".name: struct {} can't hold"},
		{optionalName{}, goodOutput{}, ".name: omitempty, but it is required"},
		{demandedNumber{}, goodOutput{}, ".number: no omitempty, but it is not required"},
		{otherName{}, goodOutput{}, ".nombre: lexicon_test.otherName has this field"},
		{goodParams{}, moreOutput{}, ""},
		{goodParams{}, appended{}, ""},
		{noSlice{}, goodOutput{}, ".names: string is no slice"},
		{goodParams{}, textTree{}, "output.trees.[].size: string can't hold"},
		{goodParams{}, base64Bytes{}, "output.bytes: []uint8 can't hold"},
		{goodParams{}, maybeDone{}, "output.done: omitempty, but it is required"},
		{goodParams{}, "text", "output: string can't hold"},
	} {
		for _, id := range []syntax.NSID{"com.example.query", "com.example.procedure"} {
			err := method(t, catalog, id).CheckTypes(reflect.TypeOf(c.in), reflect.TypeOf(c.out))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s with %T and %T: %v, want %q", id, c.in, c.out, err, c.want)
			}
		}
	}
	err := method(t, catalog, "com.example.query").CheckTypes(reflect.TypeFor[otherName](), reflect.TypeFor[maybeDone]())
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two things are wrong: %v", err)
	}
	bare := method(t, catalog, "com.example.bare") // whose parameters aren't its input
	if err := bare.CheckTypes(reflect.TypeFor[struct{}](), reflect.TypeFor[struct{}]()); err != nil {
		t.Error(err)
	}
	if err := bare.CheckTypes(reflect.TypeFor[goodParams](), reflect.TypeFor[struct{}]()); err == nil {
		t.Error("a procedure without an input may have one")
	}
	picture := method(t, catalog, "com.example.picture") // which isn't JSON
	for _, c := range []struct {
		in, out reflect.Type
		good    bool
	}{
		{reflect.TypeFor[struct{}](), reflect.TypeFor[struct{}](), true},
		{reflect.TypeFor[goodParams](), reflect.TypeFor[struct{}](), false},
		{reflect.TypeFor[struct{}](), reflect.TypeFor[goodOutput](), false},
	} {
		if err := picture.CheckTypes(c.in, c.out); (err == nil) != c.good {
			t.Errorf("a picture of %s and %s: %v", c.in, c.out, err)
		}
	}
}
