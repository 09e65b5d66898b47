// Package storagetest proves backends. [Run] holds a [storage.Store] against the contracts of package storage, in tiers:
//
//   - locks: no call waits for another one that is under way. A store that fails this is tested no further, since it
//     would lock itself out;
//   - contract: each sentence of each contract is a subtest, and a failure quotes the sentence. What only some stores can
//     do is tested where [storage.As] finds it, and skipped where it doesn't;
//   - race: many goroutines want one head, handle, address or document, and exactly one gets it; no write comes after a
//     decision that its guard doesn't admit;
//   - model: random operations beside a simple model of a store, comparing all that can be read;
//   - faults: each write lost, and each write applied but reported lost; a caller that reads to find out and tries
//     again loses nothing and does nothing twice;
//   - memory: what is large goes in and comes out in little memory;
//   - cost: a reading that finds little takes little time, compared with one that reads everything.
//
// [RunReopen] holds a store that outlives its process against the promise of durability: it closes stores and opens them
// again. [Crash] kills the process while it writes. [RunBlobs] does for a [storage.Blobs] what Run does for a Store. [Benchmark] measures.
//
// [Check] examines any store's whole content, and [Faulty] makes the writes of any store fail: both serve tests of what
// is built on a store, too.
//
// The suite's repos are synthetic: their blocks are DAG-CBOR with true CIDs and links, but their trees aren't the
// protocol's. That is enough, since to a store blocks are opaque. And the suite is itself tested: against stores that
// break one promise each.
package storagetest
