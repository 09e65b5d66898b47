package patch_test

import (
	"context"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/patch"
)

// A profile that somebody has just changed. The server calls Apply; here, the example does. See pds.Proxy for where a patch
// goes.
func ExamplePatch() {
	p := patch.Patch{
		Method:      "com.example.getProfile",
		Collections: []syntax.NSID{"com.example.profile"},
		Apply: func(_ context.Context, a *patch.Answer) error {
			if a.Body["did"] != a.Account.DID.String() {
				return nil // somebody else's
			}
			newest := a.Records[len(a.Records)-1]
			a.Body["name"] = newest.Value["name"]
			return nil
		},
	}

	answer := &patch.Answer{
		Body:    map[string]any{"did": "did:web:alice.example.com", "name": "Old", "followers": 7},
		Records: []patch.Record{{Value: map[string]any{"name": "New"}}},
	}
	answer.Account.DID = "did:web:alice.example.com"
	err := p.Apply(context.Background(), answer)
	fmt.Println(answer.Body, err)
	// Output: map[did:did:web:alice.example.com followers:7 name:New] <nil>
}
