package pds_test

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/pdskit/pdskit/"

// layers says which packages of the module a package may import; the first line that matches it counts. A pattern that
// ends in "/..." is the package and all below it. Arrows point downward only: storage knows nobody, repo, firehose and
// auth don't know each other, of the packages of pds/internal all may know hosting and none another, and nobody but
// programs and tests knows a backend.
var layers = []rule{
	{"repo/data", ""},
	{"storage", ""},
	{"storage/...", "storage repo/data"},
	{"repo/...", "repo/... storage"},
	{"firehose/...", "firehose/... repo/data storage"},
	{"auth", "storage"},
	{"auth/password", "auth"},
	{"auth/session", "auth auth/password storage"},
	{"auth/service", "auth storage"},
	{"auth/keys", "storage"},
	{"auth/identity/...", "auth/identity/..."},
	{"pds/xrpc", "pds/lexicon auth"},
	{"pds/xrpc/lexgen/...", "pds/xrpc pds/lexicon auth"},
	{"pds/lexicon/...", "repo/data"},
	{"pds/patch", "storage"},
	{"pds/backup", "firehose repo repo/data storage"},
	{"pds/webhook", "firehose storage"},
	{"pds/internal/hosting", "pds/xrpc auth/... repo firehose storage"},
	{"pds/internal/...", "pds/internal/hosting pds/patch pds/xrpc pds/lexicon auth/... repo/... firehose/... storage"},
	{"pds/pdstest", "pds pds/xrpc auth/... repo/... firehose/... storage/..."},
	{"pds", "pds/xrpc pds/patch pds/lexicon pds/internal/... auth/... repo/... firehose/... storage"},
	{"examples/...", "examples/... pds pds/xrpc pds/patch pds/backup pds/webhook pds/pdstest auth/... repo/... firehose/... storage/..."},
}

// dependencies says which packages of the module may import a package from elsewhere; the first line that matches it
// counts. What those import in turn comes with them.
//
// A new dependency is a line here, in a commit of its own that says what it replaces and what it weighs.
var dependencies = []rule{
	// The protocol's vocabulary.
	{"github.com/bluesky-social/indigo/atproto/syntax", "..."},
	{"github.com/bluesky-social/indigo/atproto/atdata", "repo/... auth/... pds/..."},
	{"github.com/bluesky-social/indigo/atproto/atcrypto", "repo/... auth/... pds/... examples/..."},
	{"github.com/bluesky-social/indigo/atproto/identity", "auth/... pds/... examples/..."},
	{"github.com/bluesky-social/indigo/atproto/atclient", "pds/pdstest"},
	{"github.com/bluesky-social/indigo/atproto/lexicon", "pds/lexicon pds/xrpc/lexgen"},
	{"github.com/bluesky-social/indigo/atproto/repo/...", "repo/... pds/lexicon pds/backup"},
	{"github.com/bluesky-social/indigo/api/atproto", "repo/... firehose/... pds/... examples/..."},
	{"github.com/bluesky-social/indigo/lex/util", "repo/... firehose"},
	{"github.com/ipfs/go-cid", "..."},
	{"github.com/multiformats/go-multihash", "..."},
	{"github.com/whyrusleeping/cbor-gen", "repo/... firehose pds/xrpc storage/storagetest"},

	// Secrets.
	{"github.com/golang-jwt/jwt/v5", "auth/session"},
	{"golang.org/x/crypto/...", "auth/password auth/keys"},

	// The edges to the network.
	{"code.dny.dev/ssrf", "pds auth/identity/..."},
	{"github.com/coder/websocket", "pds/xrpc pds/backup"},
	{"github.com/gabriel-vasile/mimetype", "pds/internal/blob"},
	{"github.com/wneessen/go-mail", "examples/standalone"},
	{"golang.org/x/sync/singleflight", "auth/identity pds/lexicon"},

	// Backends.
	{"github.com/tidwall/btree", "storage/memory"},
	{"go.etcd.io/bbolt", "examples/backend/bolt"},
	{"zombiezen.com/go/sqlite/...", "storage/sqlite examples/feed examples/backend"},

	// Tests of others.
	{"github.com/google/go-cmp/...", "storage/storagetest"},
}

// TestLayering holds the imports of every package against the tables.
func TestLayering(t *testing.T) {
	for _, p := range packages(t) {
		for _, violation := range check(p) {
			t.Error(violation)
		}
	}
}

// TestNoDeadDependencies: a line that allows what nobody does would let it come back unseen.
func TestNoDeadDependencies(t *testing.T) {
	used := make(map[rule]bool)
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			if r, ok := find(dependencies, path); ok {
				used[r] = true
			}
		}
	}
	for _, r := range dependencies {
		if !used[r] {
			t.Errorf("nobody imports %s: remove its line from dependencies", r.pattern)
		}
	}
}

// TestLayeringFails shows that the tables refuse what they are there to refuse.
func TestLayeringFails(t *testing.T) {
	for _, c := range []struct {
		from, imports string
		ok            bool
	}{
		{"repo", module + "storage", true},
		{"repo", module + "auth", false},
		{"storage", module + "repo", false},
		{"storage/sqlite", module + "storage/memory", false},
		{"auth", module + "auth/session", false},
		{"auth/session", module + "auth", true},
		{"auth/session", module + "auth/service", false},
		{"auth/keys", module + "storage", true},
		{"pds/internal/sync", module + "firehose", true},
		{"pds/internal/sync", module + "pds/internal/record", false},
		{"pds/internal/sync", module + "pds/internal/hosting", true},
		{"pds/internal/hosting", module + "pds/internal/sync", false},
		{"pds/internal/sync", module + "pds", false},
		{"pds", module + "pds/internal/sync", true},
		{"pds", module + "storage/sqlite", false},
		{"examples/standalone", module + "storage/sqlite", true},
		{"examples/standalone", module + "pds/internal/sync", false},
		{"util", "fmt", false},
		{"repositories", "fmt", false},
		{"repo", "encoding/json", true},
		{"repo", "github.com/bluesky-social/indigo/atproto/repo/mst", true},
		{"repo", "github.com/bluesky-social/indigo/atproto/repository", false},
		{"pds", "github.com/bluesky-social/indigo/atproto/repo/mst", false},
		{"pds", "example.com/unheard/of", false},
	} {
		violations := check(pkg{ImportPath: module + c.from, Imports: []string{c.imports}})
		if ok := len(violations) == 0; ok != c.ok {
			t.Errorf("%s imports %s: %q, want ok to be %t", c.from, c.imports, violations, c.ok)
		}
	}
}

// TestPatterns pins down what a pattern matches.
func TestPatterns(t *testing.T) {
	var got []string
	for _, pattern := range []string{"a", "a/...", "..."} {
		for _, path := range []string{"a", "a/b", "ab", "b/a"} {
			if match(pattern, path) {
				got = append(got, pattern+" "+path)
			}
		}
	}
	want := []string{"a a", "a/... a", "a/... a/b", "... a", "... a/b", "... ab", "... b/a"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("matches (-want +got):\n%s", diff)
	}
}

// rule is a line of a table: a pattern, and other ones that are separated by spaces.
type rule struct{ pattern, allowed string }

// pkg is a package with its imports, without those of its tests.
type pkg struct {
	ImportPath string
	Imports    []string
}

// check returns what the tables have against a package's imports.
func check(p pkg) (violations []string) {
	self := strings.TrimPrefix(p.ImportPath, module)
	layer, ok := find(layers, self)
	if !ok {
		return []string{fmt.Sprintf("package %s is in no layer: add a line {%q, …} to layers", self, self)}
	}
	for _, path := range p.Imports {
		if ours, ok := strings.CutPrefix(path, module); ok {
			if !allows(layer.allowed, ours) {
				violations = append(violations, fmt.Sprintf(
					"%s imports %s, against the layering. If that is meant: add %[2]q to the line {%[3]q, …} of layers",
					self, ours, layer.pattern))
			}
			continue
		}
		if domain, _, _ := strings.Cut(path, "/"); !strings.Contains(domain, ".") {
			continue // the standard library
		}
		switch d, ok := find(dependencies, path); {
		case !ok:
			violations = append(violations, fmt.Sprintf(
				"%s imports %s, a new dependency. If that is meant: add the line {%[2]q, %[1]q} to dependencies", self, path))
		case !allows(d.allowed, self):
			violations = append(violations, fmt.Sprintf(
				"%s imports %s, which others have it for. If that is meant: add %[1]q to the line {%[3]q, …} of dependencies",
				self, path, d.pattern))
		}
	}
	return violations
}

func find(table []rule, path string) (rule, bool) {
	for _, r := range table {
		if match(r.pattern, path) {
			return r, true
		}
	}
	return rule{}, false
}

func allows(patterns, path string) bool {
	for pattern := range strings.FieldsSeq(patterns) {
		if match(pattern, path) {
			return true
		}
	}
	return false
}

func match(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return path == pattern
}

// packages reads the module's packages. It reads the files itself, rather than ask go list, so that go test knows what the
// result depends on.
func packages(t *testing.T) (list []pkg) {
	t.Helper()
	root := ".."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != root && (name[0] == '.' || name[0] == '_' || name == "testdata") {
			return fs.SkipDir
		}
		p, err := build.ImportDir(path, 0)
		if noGo := (*build.NoGoError)(nil); errors.As(err, &noGo) {
			return nil
		}
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		list = append(list, pkg{module + filepath.ToSlash(relative), p.Imports})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no packages")
	}
	return list
}
