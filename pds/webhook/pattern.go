package webhook

import (
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// isPattern reports whether a pattern is a collection, or a namespace with ".*" behind.
func isPattern(pattern string) bool {
	namespace, wild := strings.CutSuffix(pattern, ".*")
	if !wild {
		_, err := syntax.ParseNSID(pattern)
		return err == nil
	}
	_, err := syntax.ParseNSID(namespace + ".a.a") // a namespace may be shorter than what is in it
	return err == nil
}
