package repo

import (
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// checkPath says what is wrong with the path of a record: what syntax.ParseRepoPath says, whose regular expressions were
// an eighth of the work of a commit of many records, and which almost no path needs.
//
// Spec: https://atproto.com/specs/repository#repository-paths
func checkPath(path string) error {
	if isPlainPath(path) {
		return nil
	}
	_, _, err := syntax.ParseRepoPath(path)
	return err
}

// isPlainPath recognises paths whose collection has nothing but letters, and whose record key has nothing but letters and
// digits, as those of nearly all records. Of others it says nothing.
func isPlainPath(path string) bool {
	collection, rkey, _ := strings.Cut(path, "/")
	if rkey == "" || len(rkey) > 512 || len(collection) > 317 {
		return false
	}
	for i := range len(rkey) {
		if !isLetter(rkey[i]) && (rkey[i] < '0' || rkey[i] > '9') {
			return false
		}
	}
	dots, segment := 0, 0 // the latter is the length of the one that i is in
	for i := range len(collection) {
		switch {
		case isLetter(collection[i]) && segment < 63:
			segment++
		case collection[i] == '.' && segment > 0:
			dots, segment = dots+1, 0
		default:
			return false
		}
	}
	return dots >= 2 && segment > 0
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
