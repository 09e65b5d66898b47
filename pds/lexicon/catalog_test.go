package lexicon_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"

	"github.com/pdskit/pdskit/pds/lexicon"
)

// TestBuiltin: each built-in lexicon is in order, and equal to upstream's but for the descriptions.
func TestBuiltin(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{})
	var found int
	err := filepath.WalkDir(upstream(t, "lexicons"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var file indigo.SchemaFile
		if err := json.Unmarshal(b, &file); err != nil {
			return err
		}
		_, isRecord := file.Defs["main"].Inner.(indigo.SchemaRecord)
		expected := strings.HasPrefix(file.ID, "com.atproto.") || isRecord && strings.HasPrefix(file.ID, "app.bsky.")
		for name := range file.Defs {
			schema, err := catalog.Resolve(file.ID + "#" + name)
			if err != nil && (expected || !errors.Is(err, lexicon.ErrUnknown)) {
				t.Error(err)
			}
			if err == nil {
				found++
				compareSchemas(t, file.ID+"#"+name, schema.Def, file.Defs[name].Inner)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 200 {
		t.Errorf("only %d definitions are built in", found)
	}
}

func compareSchemas(t *testing.T, name string, got, want any) {
	t.Helper()
	a, b := plainJSON(t, got), plainJSON(t, want)
	if a != b {
		t.Errorf("%s:\n got %s\nwant %s", name, a, b)
	}
}

// plainJSON encodes a schema without descriptions.
func plainJSON(t *testing.T, schema any) string {
	t.Helper()
	b, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	var strip func(any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if _, object := v["description"].(map[string]any); !object {
				delete(v, "description")
			}
			for _, child := range v {
				strip(child)
			}
		case []any:
			for _, child := range v {
				strip(child)
			}
		}
	}
	strip(v)
	if b, err = json.Marshal(v); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestResolve: references, as upstream's Catalog has them.
func TestResolve(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{})
	for reference, want := range map[string]string{
		"app.bsky.feed.post":               "app.bsky.feed.post#main",
		"app.bsky.feed.post#main":          "app.bsky.feed.post#main",
		"app.bsky.richtext.facet#mention":  "app.bsky.richtext.facet#mention",
		"app.bsky.feed.post#nothing":       "",
		"com.example.thing":                "",
		"":                                 "",
		"#main":                            "",
		"com.atproto.label.defs":           "",
		"com.atproto.label.defs#selfLabel": "com.atproto.label.defs#selfLabel",
	} {
		schema, err := catalog.Resolve(reference)
		switch {
		case want == "" && !errors.Is(err, lexicon.ErrUnknown):
			t.Errorf("%q: %v, want ErrUnknown", reference, err)
		case want != "" && (err != nil || schema.ID != want):
			t.Errorf("%q: %v, %v", reference, schema, err)
		}
	}
}

// TestFiles: the host's files are found in folders, come before the built-in lexicons, and all that is wrong is reported.
func TestFiles(t *testing.T) {
	record := func(id string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(`{"lexicon":1,"id":"` + id +
			`","defs":{"main":{"type":"record","key":"any","record":{"type":"object","properties":{}}}}}`)}
	}
	catalog := newCatalog(t, lexicon.Config{Files: fstest.MapFS{
		"README.md":             {Data: []byte("no lexicon")},
		"com/example/one.json":  record("com.example.one"),
		"app/bsky/profile.json": record("app.bsky.actor.profile"),
	}})
	for _, collection := range []string{"com.example.one", "app.bsky.actor.profile"} {
		schema, err := catalog.Resolve(collection)
		if err != nil {
			t.Error(err)
			continue
		}
		if key := schema.Def.(indigo.SchemaRecord).Key; key != "any" {
			t.Errorf("the key of %s is %s", collection, key)
		}
	}

	deep := strings.Repeat(`{"type":"array","items":`, 100) + `{"type":"integer"}` + strings.Repeat("}", 100)
	_, err := lexicon.New(lexicon.Config{Files: fstest.MapFS{
		"a.json": record("com.example.one"),
		"b.json": record("com.example.one"),
		"c.json": {Data: []byte(`{"lexicon":1,"id":"com.example.empty","defs":{}}`)},
		"d.json": {Data: []byte(`{"lexicon":1,"id":"com.example.null","defs":{"main":null}}`)},
		"e.json": {Data: []byte(`{"lexicon":1,"id":"com.example.deep","defs":{"main":` + deep + `}}`)},
		"f.json": {Data: []byte(`{`)},
	}})
	for _, name := range []string{"b.json", "c.json", "d.json", "e.json", "f.json"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("nothing is reported of %s: %v", name, err)
		}
	}
}

// FuzzFile: a file that is no lexicon is an error, whatever is in it.
func FuzzFile(f *testing.F) {
	for _, file := range []string{"lexicon-valid.json", "lexicon-invalid.json"} {
		for _, fixture := range fixtures[lexiconFixture](f, file) {
			f.Add([]byte(fixture.Lexicon), []byte(`{"$type":"example.lexicon.other"}`))
		}
	}
	f.Fuzz(func(t *testing.T, source, record []byte) {
		catalog, err := lexicon.New(lexicon.Config{Files: fstest.MapFS{"a.json": {Data: source}}})
		if err != nil {
			return
		}
		method, err := catalog.Method("example.lexicon.other")
		if err == nil {
			_ = method.CheckInput(record)
		}
		var value map[string]any
		if json.Unmarshal(record, &value) == nil {
			_ = catalog.ValidateRecord("example.lexicon.other", "self", value, 0)
		}
	})
}
