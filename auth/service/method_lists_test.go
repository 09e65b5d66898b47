package service

import (
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

func TestMethodLists(t *testing.T) {
	for _, m := range []string{"com.atproto.server.getSession", "COM.atproto.SERVER.updateEmail"} {
		if !Protected(syntax.NSID(m)) {
			t.Errorf("%s isn't protected", m)
		}
	}
	if Protected("com.atproto.repo.createRecord") || Privileged("app.bsky.feed.getFeed") {
		t.Error("too much is on a list")
	}
	if !Privileged(syntax.NSID("chat.BSKY.convo.SendMessage")) || !Privileged("com.atproto.server.createAccount") {
		t.Error("too little is privileged")
	}
}
