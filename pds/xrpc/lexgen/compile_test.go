package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// compile builds a package, as if it stood in a folder below this one.
func compile(t *testing.T, source []byte) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	file, overlay := filepath.Join(t.TempDir(), "example.go"), filepath.Join(t.TempDir(), "overlay.json")
	replace, err := json.Marshal(map[string]any{
		"Replace": map[string]string{filepath.Join(here, "internal/example/example.go"): file},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{file: source, overlay: replace} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("go", "build", "-overlay="+overlay, "./internal/example").CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, out, source)
	}
}

// TestNamesClash: what would have the name of something else in Go gets another one.
func TestNamesClash(t *testing.T) {
	source, err := generate("example", fstest.MapFS{
		"get.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.get", "defs": {
			"main": {"type": "query", "parameters": {"type": "params", "properties": {
				"did": {"type": "string"}, "DID": {"type": "string"}
			}}, "output": {"encoding": "application/json", "schema": {"type": "object", "properties": {
				"place": {"type": "object", "properties": {"x": {"type": "integer"}}},
				"any": {"type": "union", "refs": ["com.example.other", "#place"]},
				"list": {"type": "array", "items": {"type": "array", "items": {"type": "union", "refs": ["#place", "com.example.other"]}}}
			}}}},
			"params": {"type": "object", "properties": {"did": {"type": "string"}, "DID": {"type": "string"}}},
			"output": {"type": "object", "properties": {"lexiconType": {"type": "ref", "ref": "#params"}}},
			"outputPlace": {"type": "object", "properties": {}},
			"outputAny": {"type": "token"},
			"outputListElemElem": {"type": "token"},
			"place": {"type": "object", "properties": {}}
		}}`)},
		"other.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.other", "defs": {"main": {"type": "record", "key": "any",
			"record": {"type": "object", "properties": {}}}}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	compile(t, source)
}

// TestVariants: what can't be a variant, or has no type of its own, does no harm.
func TestVariants(t *testing.T) {
	source, err := generate("example", fstest.MapFS{"a.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.a", "defs": {
		"main": {"type": "object", "required": ["token", "list"], "properties": {
			"union": {"type": "union", "refs": ["#text", "#list", "#token", "#main"]},
			"only": {"type": "union", "refs": ["#token"]},
			"none": {"type": "union", "refs": []},
			"token": {"type": "ref", "ref": "#token"},
			"list": {"type": "ref", "ref": "#list"},
			"again": {"type": "ref", "ref": "#list"},
			"itself": {"type": "ref", "ref": "#itself"}
		}},
		"text": {"type": "string"}, "token": {"type": "token"},
		"list": {"type": "array", "items": {"type": "union", "refs": ["#main"]}},
		"itself": {"type": "array", "items": {"type": "ref", "ref": "#itself"}}
	}}`)}})
	if err != nil {
		t.Fatal(err)
	}
	compile(t, source)
}
