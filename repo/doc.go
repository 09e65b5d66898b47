// Package repo is the repository engine: it turns writes into signed commits, and reads repositories out of and into
// CAR files. What it keeps goes through a [storage.Repos].
//
// # Writing
//
// [Engine.Apply] changes a repo by one commit. It loads from storage just those nodes of the Merkle Search Tree (MST)
// that lie near the keys it changes, so that its cost doesn't grow with the repo, and keeps them in a bounded cache for
// the next write. One writer at a time works on a repo, and any number of repos are written at once. Several engines,
// in several processes, may work on one storage: they meet in its compare-and-swap, and the one that loses begins anew.
//
// Every commit carries the event that relays need to follow the repo by induction (sync v1.1): the tree's new nodes,
// and those further ones without which its operations can't be inverted.
//
// # Reading
//
// [Engine.RecordProof], [Engine.Blocks] and [Engine.Export] write CAR files, each of the state of one moment.
// [Engine.Newer] finds what was written after a rev, without an index of revs: in the tree, whose nodes are as new as what
// lies below them.
// [Engine.Import] reads one of any size and block order, trusts nothing in it, and replaces a repo by it at once.
// [Engine.Verify] reads a whole repo and says whether storage has kept it.
//
// The bytes themselves, of records, nodes, CAR files and events, are the business of package data.
//
// Spec: https://atproto.com/specs/repository and https://atproto.com/specs/sync
package repo
