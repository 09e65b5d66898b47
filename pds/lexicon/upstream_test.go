package lexicon_test

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/fstest"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/lexicon"
)

type recordFixture struct {
	Name string           `json:"name"`
	RKey syntax.RecordKey `json:"rkey"`
	Data json.RawMessage  `json:"data"`
}

// TestRecordFixtures: upstream's valid and invalid records.
func TestRecordFixtures(t *testing.T) {
	catalog := upstreamCatalog(t)
	for file, valid := range map[string]bool{"record-data-valid.json": true, "record-data-invalid.json": false} {
		for _, f := range fixtures[recordFixture](t, file) {
			status, err := catalog.CheckRecord(t.Context(), "example.lexicon.record", f.RKey, data(t, string(f.Data)), nil)
			if invalid := (*lexicon.InvalidError)(nil); valid && (err != nil || status != lexicon.Valid) ||
				!valid && !errors.As(err, &invalid) {
				t.Errorf("%s, %s: %q, %v", file, f.Name, status, err)
			}
		}
	}
}

type lexiconFixture struct {
	Name    string          `json:"name"`
	Lexicon json.RawMessage `json:"lexicon"`
}

// TestLexiconFixtures: upstream's valid and invalid lexicons.
func TestLexiconFixtures(t *testing.T) {
	for file, valid := range map[string]bool{"lexicon-valid.json": true, "lexicon-invalid.json": false} {
		for _, f := range fixtures[lexiconFixture](t, file) {
			_, err := lexicon.New(lexicon.Config{Files: fstest.MapFS{"a/b.json": {Data: f.Lexicon}}})
			if (err == nil) != valid {
				t.Errorf("%s, %s: %v", file, f.Name, err)
			}
		}
	}
}

// TestUpstreamCatalog: upstream's own validation works with the catalog, built-in lexicons included.
func TestUpstreamCatalog(t *testing.T) {
	record := data(t, post)
	if err := indigo.ValidateRecord(newCatalog(t, lexicon.Config{}), record, "app.bsky.feed.post", 0); err != nil {
		t.Error(err)
	}
	delete(record, "text")
	if err := indigo.ValidateRecord(newCatalog(t, lexicon.Config{}), record, "app.bsky.feed.post", 0); err == nil {
		t.Error("a post without text is valid")
	}
}
