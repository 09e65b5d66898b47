package hosting

import (
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
)

// TestOwn: only an account's DID and handle name it. Nothing names the zero account, which is that
// of a call whose policy asks for none.
func TestOwn(t *testing.T) {
	alice := auth.Account{DID: "did:plc:alice", Handle: "alice.test"}
	nameless := auth.Account{DID: "did:plc:alice"}
	for _, test := range []struct {
		id      string
		account auth.Account
		own     bool
	}{
		{"did:plc:alice", alice, true},
		{"alice.test", alice, true},
		{"ALICE.test", alice, true},
		{"did:plc:bob", alice, false},
		{"bob.test", alice, false},
		{"did:plc:alice", nameless, true},
		{"alice.test", nameless, false},
		{"did:plc:alice", auth.Account{}, false},
		{"alice.test", auth.Account{}, false},
	} {
		id, err := syntax.ParseAtIdentifier(test.id)
		if err != nil {
			t.Fatal(err)
		}
		if err := Own(id, test.account); (err == nil) != test.own {
			t.Errorf("%s of %+v: %v", test.id, test.account, err)
		}
	}
}
