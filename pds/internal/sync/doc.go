// Package sync serves com.atproto.sync but for its blobs: whole repos, parts of them with proofs, what repos there are,
// and the firehose.
package sync
