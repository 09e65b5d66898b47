// Package webhook tells other programs over HTTP what happens on a server: it follows the outgoing log and posts its
// events, signed, to endpoints that the operator has set.
//
//	sender, err := webhook.New(webhook.Config{
//		Events:    store, // the server's
//		Positions: webhook.NewDir("/var/lib/pds/webhooks"),
//		Endpoints: []webhook.Endpoint{{Name: "search", URL: "https://search.example.com/events", Secrets: secrets}},
//	})
//	…
//	err = sender.Run(ctx)
//
// # What is promised
//
// Every event of the log that is for an endpoint arrives at least once, and in the log's order, all accounts' together: there
// is one request at a time for an endpoint, and the next events aren't sent before those are accepted. How far it has got is
// kept in [Positions] after that, so a sender that is killed repeats itself, but leaves nothing out. Endpoints don't wait
// for each other.
//
// An endpoint that refuses or doesn't answer is asked again until it accepts, with growing pauses of up to five minutes or as
// long as its Retry-After says, an hour at most, for days if need be. If the log is trimmed in the meantime, it is told so by
// an event of type [TypeGap], in the place of those that are lost.
//
// # What arrives
//
// A request is a POST with a [Message] as its body: one or more events, as many as there were when the endpoint was ready.
//
//	{"events": [
//	  {"seq": 8, "did": "did:plc:…", "time": "2026-01-02T03:04:05.678Z", "type": "identity", "handle": "alice.example.com"},
//	  {"seq": 9, "did": "did:plc:…", "time": "2026-01-02T03:04:05.678Z", "type": "account", "active": true},
//	  {"seq": 10, "did": "did:plc:…", "time": "2026-01-02T03:04:06.678Z", "type": "commit",
//	    "rev": "3mbgyhqcj2k2a", "since": "3mbgyhqcj2j2a", "ops": [
//	      {"action": "create", "collection": "app.bsky.feed.post", "rkey": "3mbgyhqcj2k2a", "cid": "bafyrei…",
//	        "record": {"$type": "app.bsky.feed.post", "text": "hello", "createdAt": "2026-01-02T03:04:06.000Z"}},
//	      {"action": "delete", "collection": "app.bsky.feed.like", "rkey": "3mbgyhqcj2c2a", "prev": "bafyrei…"}]}
//	]}
//
// Its headers are those of Standard Webhooks, so that its libraries verify it, in whatever language: webhook-id, the same
// whenever the same message is sent again; webhook-timestamp; and webhook-signature, an HMAC with SHA-256. For Go there is
// [Verify].
//
// Any status from 200 to 299 accepts all events of the message. A receiver that keeps the number of the last event that
// it has dealt with, in the same write as what it has made of it, skips those whose seq isn't greater, and so deals with
// each exactly once. It begins again from the numbers of a [TypeGap], which says how to tell.
//
// Spec: https://www.standardwebhooks.com
package webhook
