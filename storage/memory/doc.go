// Package memory keeps a whole [storage.Store], and a [storage.Blobs], in the process's memory: for tests, for
// development, and as the plainest reading of the contracts.
//
// All that a store holds is one immutable state, made of ordered tables that share what they have in common with the
// states before it. A write makes a copy of the newest state, which costs O(1), changes the copy and publishes it with
// one atomic store; a write that fails drops its copy. So every write is atomic, readers never wait, and a snapshot
// is nothing but the state that was the newest when it began.
//
// What the contracts say of durability can't hold here: everything is gone with the process. And what they say of
// bounded memory holds for what a method needs beside the content that it stores.
package memory
