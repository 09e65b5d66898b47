// Package sync serves com.atproto.sync but for its blobs: whole repos, parts of them with proofs, and what repos there
// are.
package sync
