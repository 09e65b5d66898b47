package main

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestCurrent: the package of the example is what would be written now.
func TestCurrent(t *testing.T) {
	want, err := generate("things", os.DirFS("internal/things/lexicons"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("internal/things/things.go")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run go generate ./internal/things (-want +got):\n%s", diff)
	}
}

// TestRefused: what no code can be written for is an error that names it.
func TestRefused(t *testing.T) {
	object := func(id, property string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(`{"lexicon":1,"id":"` + id +
			`","defs":{"main":{"type":"object","properties":{"a":` + property + `}},"b":{"type":"token"}}}`)}
	}
	for want, files := range map[string]fstest.MapFS{
		"there are no lexicons":   {"README.md": {Data: []byte("nothing")}},
		"broken.json":             {"broken.json": {Data: []byte("{")}},
		"com.example.a#main: a: ": {"a.json": object("com.example.a", `{"type":"ref","ref":"com.example.unknown"}`)},
		"its name would be AB":    {"a.json": object("com.example.a", `{"type":"integer"}`), "b.json": object("com.example.aB", `{"type":"integer"}`)},
	} {
		if _, err := generate("example", files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestNames: as many segments as it takes.
func TestNames(t *testing.T) {
	got := nameAll([]string{"com.example.feed.post", "com.example.blog.post", "com.example.defs", "com.example.feed.getFeed"})
	want := names{
		"com.example.feed.post": "FeedPost", "com.example.blog.post": "BlogPost", "com.example.defs": "Example",
		"com.example.feed.getFeed": "GetFeed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"did": "DID", "createdAt": "CreatedAt", "cid-link": "CIDLink", "1st": "X1st", "$x": "X", "": "X"} {
		if got := exported(name); got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
	}
}
