package lexicon

import (
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"pgregory.net/rapid"
)

// TestPlainFormats: what is said to be of a format at a glance is so by indigo, too.
func TestPlainFormats(t *testing.T) {
	formats := map[string]struct {
		parse    func(string) error
		examples *rapid.Generator[string]
	}{
		"at-uri": {
			func(s string) error { _, err := syntax.ParseATURI(s); return err },
			rapid.OneOf(
				rapid.StringMatching(`at://did:plc:[a-z2-7]{24}/[A-Za-z]{1,4}(\.[A-Za-z]{1,9}){1,5}/[A-Za-z0-9]{1,9}`),
				rapid.StringMatching(`at://did:plc:[a-z2-7]{23,25}/[A-Za-z]{1,4}(\.[A-Za-z0-9-]{0,70}){1,5}/?[a-z0-9.:/]{0,9}`),
				rapid.StringMatching(`at://did:plc:[a-z2-7]{24}/[A-Za-z]{1,4}(\.[A-Za-z]{60,66}){1,5}/a`),
			),
		},
		"cid": {
			func(s string) error { _, err := syntax.ParseCID(s); return err },
			rapid.OneOf(rapid.StringMatching(`baf[a-z2-7]{56}`), rapid.StringMatching(`baf[A-Za-z0-9+=/]{55,57}`)),
		},
	}
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			var seen int
			rapid.Check(t, func(t *rapid.T) {
				s := format.examples.Draw(t, "string")
				if !plainFormats[name](s) {
					return
				}
				seen++
				if err := format.parse(s); err != nil {
					t.Fatalf("%q: %v", s, err)
				}
			})
			if seen == 0 {
				t.Error("nothing is plain")
			}
		})
	}
	if len(formats) != len(plainFormats) {
		t.Error("a format is not tested")
	}
}
