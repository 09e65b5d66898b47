package pds_test

import (
	"testing"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
)

func TestRaiseSeq(t *testing.T) {
	w := start(t)
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bobby")
	bob.post(t, "com.atproto.server.deactivateAccount", map[string]any{}).decode(t, nil)
	post := alice.create(t, "the last that this copy has")
	_, last := w.since(t, 0)

	const seen = 1000
	if err := w.RaiseSeq(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	if kinds, _ := w.since(t, last); kinds != "#sync" { // none of an account that isn't active
		t.Fatalf("the log has %s", kinds)
	}
	reader := w.subscribe(t, "?cursor=900") // in the gap
	kind, body := reader.next(t)
	var sync comatproto.SyncSubscribeRepos_Sync
	if err := sync.UnmarshalCBOR(body); err != nil || kind != "#sync" {
		t.Fatalf("%s, %v", kind, err)
	}
	if sync.Seq <= seen || sync.Did != alice.did.String() || sync.Rev != post.Commit.Rev {
		t.Errorf("the event is %+v", sync)
	}
	alice.create(t, "the next")
	if kind, _ := reader.next(t); kind != "#commit" {
		t.Errorf("then comes %s", kind)
	}
}
