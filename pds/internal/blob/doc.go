// Package blob serves blobs: their upload, download and listings, and removes those that nothing refers to any more.
//
// An uploaded blob is temporary: only its owner sees it, until a record refers to it. That happens inside the record's
// commit; see storage.BlobIndex for how uploads, references and removal stay out of each other's way.
//
// Spec: https://atproto.com/specs/blob
package blob
