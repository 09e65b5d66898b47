package lexicon

import (
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// plainFormats say of the strings that most records have that they are of a format, at a hundredth of the cost of
// indigo's regular expressions. That they don't say so means nothing.
var plainFormats = map[string]func(string) bool{
	"at-uri": plainURI,
	"cid":    plainCID,
}

// plainURI knows the URI of a record in the repo of a did:plc.
func plainURI(s string) bool {
	rest, ok := strings.CutPrefix(s, "at://")
	did, path, _ := strings.Cut(rest, "/")
	collection, rkey, _ := strings.Cut(path, "/")
	if !ok || len(s) > 512 || !strings.HasPrefix(did, "did:plc:") || !plainNSID(collection) || !plainKey(rkey) {
		return false
	}
	_, err := syntax.ParseDID(did)
	return err == nil
}

// plainNSID knows an NSID that has letters and at least two dots only.
func plainNSID(s string) bool {
	segments := 0
	for segment := range strings.SplitSeq(s, ".") {
		segments++
		if segment == "" || len(segment) > 63 {
			return false
		}
		for i := range len(segment) {
			if !isLetter(segment[i]) {
				return false
			}
		}
	}
	return segments >= 3 && len(s) <= 253
}

// plainKey knows a record key that has letters and digits only.
func plainKey(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// plainCID knows a CID of a record or a blob.
func plainCID(s string) bool { return len(s) == 59 && strings.HasPrefix(s, "baf") && plainKey(s) }

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
