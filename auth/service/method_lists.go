package service

import (
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Protected reports whether a method manages an account and is therefore for the account's own server alone: no request
// for it is passed on to another server, and no service token names it. Like Privileged, it is blind to case, lest
// a server that is, too, be reached by another spelling.
func Protected(method syntax.NSID) bool { return protected[strings.ToLower(method.String())] }

// Privileged reports whether a method is for those who may act as the account in private matters: its messages, and its
// moving elsewhere. See [auth.Caller.Privileged].
func Privileged(method syntax.NSID) bool { return privileged[strings.ToLower(method.String())] }

var protected = lowerSet(
	"com.atproto.admin.sendEmail",
	"com.atproto.identity.requestPlcOperationSignature",
	"com.atproto.identity.signPlcOperation",
	"com.atproto.identity.updateHandle",
	"com.atproto.server.activateAccount",
	"com.atproto.server.confirmEmail",
	"com.atproto.server.createAppPassword",
	"com.atproto.server.deactivateAccount",
	"com.atproto.server.getAccountInviteCodes",
	"com.atproto.server.getSession",
	"com.atproto.server.listAppPasswords",
	"com.atproto.server.requestAccountDelete",
	"com.atproto.server.requestEmailConfirmation",
	"com.atproto.server.requestEmailUpdate",
	"com.atproto.server.revokeAppPassword",
	"com.atproto.server.updateEmail",
)

var privileged = lowerSet(
	"chat.bsky.actor.deleteAccount",
	"chat.bsky.actor.exportAccountData",
	"chat.bsky.convo.deleteMessageForSelf",
	"chat.bsky.convo.getConvo",
	"chat.bsky.convo.getConvoForMembers",
	"chat.bsky.convo.getLog",
	"chat.bsky.convo.getMessages",
	"chat.bsky.convo.leaveConvo",
	"chat.bsky.convo.listConvos",
	"chat.bsky.convo.muteConvo",
	"chat.bsky.convo.sendMessage",
	"chat.bsky.convo.sendMessageBatch",
	"chat.bsky.convo.unmuteConvo",
	"chat.bsky.convo.updateRead",
	"com.atproto.server.createAccount",
)

func lowerSet(methods ...string) map[string]bool {
	set := make(map[string]bool, len(methods))
	for _, m := range methods {
		set[strings.ToLower(m)] = true
	}
	return set
}
