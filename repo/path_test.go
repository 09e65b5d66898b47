package repo

import (
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"pgregory.net/rapid"
)

// TestCheckPath holds checkPath against the function that it shortens.
func TestCheckPath(t *testing.T) {
	part := rapid.OneOf(
		rapid.StringMatching(`[a-z]{1,5}`),
		rapid.StringMatching(`[a-zA-Z0-9_~.:/@\[`+"`"+`{-]{0,4}`),
		rapid.Custom(func(t *rapid.T) string { return strings.Repeat("x", rapid.IntRange(61, 65).Draw(t, "n")) }),
		rapid.Custom(func(t *rapid.T) string { return strings.Repeat("x", rapid.IntRange(511, 514).Draw(t, "n")) }),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		path := strings.Join(rapid.SliceOfN(part, 1, 7).Draw(t, "collection"), ".") + rapid.SampledFrom([]string{"/", "", "//"}).Draw(t, "slash") +
			part.Draw(t, "rkey")
		_, _, err := syntax.ParseRepoPath(path)
		if got := checkPath(path); (got == nil) != (err == nil) {
			t.Fatalf("checkPath says %v, syntax.ParseRepoPath %v", got, err)
		}
	})
}

func TestPlainPath(t *testing.T) {
	for path, want := range map[string]bool{
		"app.bsky.feed.post/3kyelvpgdu22s":        true,
		"app.bsky.actor.profile/self":             true,
		"com.example.thing/3kyelvpgdu22s":         true,
		"a.b.c/" + strings.Repeat("x", 512):       true,
		"a.b.c/" + strings.Repeat("x", 513):       false,
		"a.b/c":                                   false,
		"a.b.c/":                                  false,
		"a.b.c/d/e":                               false,
		"a..b.c/d":                                false,
		"a.b.c./d":                                false,
		".a.b.c/d":                                false,
		"a.b." + strings.Repeat("x", 63) + "/d":   true,
		"a.b." + strings.Repeat("x", 64) + "/d":   false,
		strings.Repeat("abcdefgh.", 35) + "bc/d":  true,  // 317 characters
		strings.Repeat("abcdefgh.", 35) + "bcd/d": false, // 318
	} {
		if got := isPlainPath(path); got != want {
			t.Errorf("isPlainPath(%q) = %t", path, got)
		}
	}
}
