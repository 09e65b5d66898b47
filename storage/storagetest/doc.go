// Package storagetest proves backends. [Run] holds a [storage.Store] against the contracts of package storage, in tiers:
//
//   - contract: each sentence of each contract is a subtest, and a failure quotes the sentence;
//   - race: many goroutines want one head, handle, address, document or key, and exactly one gets it;
//   - model: random operations beside a simple model of a store, comparing all that can be read;
//   - faults: each write lost, and each write applied but reported lost; a caller that reads to find out and tries
//     again loses nothing and does nothing twice.
//
// [RunReopen] holds a store that outlives its process against the promise of durability: it closes stores and opens them
// again. [RunBlobs] does for a [storage.Blobs] what Run does for a Store. [Benchmark] measures.
//
// [Check] examines any store's whole content, and [Faulty] makes the writes of any store fail: both serve tests of what
// is built on a store, too.
//
// The suite's repos are synthetic: their blocks are DAG-CBOR with true CIDs and links, but their trees aren't the
// protocol's. That is enough, since to a store blocks are opaque. And the suite is itself tested: against stores that
// break one promise each.
package storagetest
