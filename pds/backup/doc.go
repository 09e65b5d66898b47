// Package backup keeps a live, incremental backup of a PDS, and restores a server from it.
//
// A [Mirror] follows a server's firehose, that of this process (see [Local]) or of any other PDS (see [Network]). It
// verifies each commit, by the signature and by the chain from the commit before, and keeps in a [Bucket], a folder for
// instance, what is needed to have every account again as it was: repos as CAR files, blobs, handles and status, and from
// a local server the private parts too. It can be stopped and killed at any moment; the next run goes on from there.
//
//	to, err := backup.CreateDir("/backup/pds.example.com")
//	…
//	m, err := backup.New(backup.Config{Source: source, To: to, Origin: "pds.example.com", Keys: keys})
//	…
//	err = m.Follow(ctx) // or m.Sync(ctx), once
//
// [Check] reads a whole mirror and names every object that isn't what it should be. [Restore] puts one into an empty store.
//
// # What is in a bucket
//
//	mirror.json               the cursor: all events up to it are in the mirror
//	accounts/DID.json         what there is of an account: its newest commit, its status and handle, its segments
//	repos/DID/REV-RANDOM.car  segments of its repo
//	blobs/DID/CID             its blobs, as they are
//	absent/DID/CID            blobs that its records refer to and that the source hadn't got, to be tried again
//	stale/DID.json            that, and why, its repo couldn't be had, to be tried again
//	private/DID.json          e-mail address, password hash, sealed signing key, preferences, takedowns and tokens, from a
//	                          local source
//	server.json               the server's own keys, sealed, from a local source
//
// All are put whole; none is ever appended to. A document, that is a JSON file, has the SHA-256 of the rest in its first line, a
// segment's is in the account's document, and a blob's is its name, so no bit changes unseen. Only a bucket's four verbs
// are needed, and of them Put alone has to be atomic.
//
// # Why segments
//
// A commit's event has just the blocks that are new with it, and a repo may be large, so to rewrite a repo for each commit won't
// do; nor will a file for each commit, since most commits are small and files are not free. So commits are collected for
// a second, and put as one CAR file for each account: an increment. When an increment isn't much smaller than the one before it,
// the two are made one, so that their number grows with the logarithm of their bytes. When they outweigh the whole repo
// that they add to, all are compacted into a new whole one, read and verified again on the way, and the blobs that
// it no longer refers to are deleted. What a commit costs so doesn't depend on the repo's size.
//
// The newest segment's root is the newest commit, and the segments' blocks from the newest to the oldest are a CAR file of the
// newest state, which streams through [github.com/pdskit/pdskit/repo.Copy] in bounded memory.
//
// # Order of writes
//
// Blobs come before the segment whose records refer to them, the segment before the account's document that names it, that
// before the cursor, and deletions last. A crash between two of them leaves objects that nothing refers to, which are
// deleted when the repo is compacted or fetched again, and events that come twice, which the rev tells. A cursor is
// never ahead of what it stands for.
//
// When the source no longer has the events after the cursor, all accounts are compared with its listing. When it has never
// come so far, it has lost what the mirror has: then the mirror stays as it is, and says so with [ErrBehind]. When a commit doesn't follow on the one that the mirror has, or an #sync event says that the repo was replaced,
// the repo is fetched as a whole. When that fails, or isn't a valid repo with a valid signature, the mirror keeps what
// it had, and notes that the account is stale.
//
// # Restoring
//
// [Restore] works on an empty store. It
//
//  1. raises the event log's sequence number above all that the source can have used, since relays that have seen a number
//     never look at it again;
//  2. puts back the server's own keys;
//  3. for each account that isn't deleted, checks all of it, puts back its blobs, and then its row with its signing key and
//     its repo, under the same commit, and the takedowns of its records and blobs;
//  4. appends events that tell relays of each account what is so now.
//
// Signing keys are sealed in the mirror as they were in storage: the restored server needs the secret that seals them, and who
// has the mirror alone can sign nothing. Keep the secret elsewhere. Sessions aren't restored; people log in again.
//
// What no event tells of is seen by the sweep at the start of each run and every 15 minutes of one: changed e-mail
// addresses, passwords, preferences and tokens, and takedowns of single records and blobs. Of a blob that is taken down
// and that no record refers to the mirror has no bytes: a restored server refuses it, and can't give it back.
//
// An account that has moved in, and of which nobody is to hear before it is activated, may be missing until it is.
//
// A mirror of a server elsewhere has what is public: its accounts come without e-mail address, password and key, without
// takedowns of single records and blobs, and the content of accounts that aren't active is what it was when they were.
package backup
