package bsky

import (
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Records that have been imported may have images of before blobs had a type.
func TestImage(t *testing.T) {
	v := &Viewer{ImageURL: func(kind string, did syntax.DID, cid string) string { return kind + " " + did.String() + " " + cid }}
	for name, test := range map[string]struct {
		blob any
		want string
	}{
		"a blob":   {object{"$type": "blob", "ref": object{"$link": "bafkx"}, "mimeType": "image/png"}, "avatar did:web:a.example bafkx"},
		"an old":   {object{"cid": "bafkx", "mimeType": "image/png"}, "avatar did:web:a.example bafkx"},
		"none":     {nil, ""},
		"no CID":   {object{"ref": object{}}, ""},
		"no blob":  {"bafkx", ""},
		"a number": {object{"cid": 5}, ""},
	} {
		if got := v.image("avatar", "did:web:a.example", test.blob); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
