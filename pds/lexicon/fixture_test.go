package lexicon_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atdata"

	"github.com/pdskit/pdskit/pds/lexicon"
)

var indigoDir = sync.OnceValues(func() (string, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/bluesky-social/indigo").Output()
	return strings.TrimSpace(string(dir)), err
})

// upstream returns the path of a file of the indigo module.
func upstream(t testing.TB, path string) string {
	t.Helper()
	dir, err := indigoDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, filepath.FromSlash(path))
}

// fixtures reads a list of a file of indigo's lexicon tests.
func fixtures[T any](t testing.TB, name string) (list []T) {
	t.Helper()
	b, err := os.ReadFile(upstream(t, "atproto/lexicon/testdata/"+name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatalf("%s has no fixtures", name)
	}
	return list
}

// upstreamCatalog knows the lexicons of indigo's tests.
func upstreamCatalog(t testing.TB) *lexicon.Catalog {
	t.Helper()
	return newCatalog(t, lexicon.Config{Files: os.DirFS(upstream(t, "atproto/lexicon/testdata/catalog"))})
}

func newCatalog(t testing.TB, config lexicon.Config) *lexicon.Catalog {
	t.Helper()
	c, err := lexicon.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// data parses a value of the data model.
func data(t testing.TB, text string) map[string]any {
	t.Helper()
	d, err := atdata.UnmarshalJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
