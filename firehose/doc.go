// Package firehose turns what happens in a store into the events that the network follows: it encodes those that aren't
// commits, and lets readers follow the outgoing log as it grows. [Crawlers] asks relays to be such readers.
//
// The log itself is storage's ([storage.Events]): an event is written together with the change that it tells of.
//
// There are two ways to follow it. [Log.Subscribe] is for Go code in the same process: decoded events, one by one.
// [Stream] is for many readers over a network: frames that are encoded once for all of them. Package pds/webhook posts the
// events to other programs, and package pds/backup keeps a backup of a server by them.
//
// # Keeping something that is made of records
//
// A table, a search index or a counter stays exact, whatever crashes, if it keeps two things beside its own data, each
// changed in the same write as the data:
//
//   - the sequence number of the last event that is in it, to resume after; and
//   - the rev of each repo that is in it, to know which commits are in it already.
//
// Then it applies events so:
//
//   - Commit: skip it if its Rev isn't greater than the repo's. Apply its operations if its Since is the repo's; if not,
//     read the repo anew, with the rev at which it was read.
//   - Sync: read the repo anew, unless its Rev isn't greater than the repo's.
//   - Account: hide what isn't active, and show it again; remove what is deleted, together with its rev.
//   - [ErrOutdatedCursor], in place of an event: note [storage.Events].LastSeq, read all accounts and repos anew, and
//     resume after that number. That is also how to begin on a server that has been there for a while.
//
// A repo that is read anew may be ahead of the log: that is what its rev is kept for. The program examples/feed does all
// this.
//
// Spec: https://atproto.com/specs/sync
package firehose
