// Package storage says what a pdskit server keeps, and what a backend must promise about it. It holds interfaces, row
// types and sentinel errors, and no logic but the few rules that every backend has to apply alike.
//
// # For a backend's author
//
// Everything to know is on this page. A backend is one type that implements [Store], or one that embeds a Store and
// replaces an aggregate of it. Package storagetest proves it:
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, func(t *testing.T) storage.Store { return mine.New(t.TempDir()) })
//	}
//
// A few rules hold for every method, and so are not repeated there:
//
//   - Verbs, not transactions. A method that writes is atomic: all of it happens, or none. How is the backend's
//     business.
//   - Durability. When a writing method returns nil, what it wrote survives the end of the process and of the machine's
//     power. When it returns an error other than a sentinel of this package, the write may or may not have happened
//     (the caller reads to find out), but never by half.
//   - Consistency. A read that begins after a write has returned sees that write.
//   - Concurrency. Every method may be called from many goroutines at once. Readers don't wait for writers.
//   - Who retries: nobody, inside. A backend neither retries [ErrConflict] nor hides it; the caller does, since it
//     has to look again.
//   - Context. A method that returns because its context ended has written nothing, or all of it.
//   - Absence. Getting one thing that isn't there is [ErrNotFound]; a listing of nothing is empty; deleting what isn't
//     there is no error.
//   - Ownership. Byte slices handed in are the backend's only until the method returns; those handed out are the
//     caller's for good: they never change, whatever is read or written later. The caller doesn't change them either.
//   - Bytes. A nil slice and an empty one are the same, unless a comment tells them apart. Either comes back with
//     length 0.
//   - Time. A backend never reads the clock. Times come in as arguments, are kept to the millisecond at least, and come
//     back in UTC; the zero time comes back as the zero time.
//   - A limit is positive, unless a comment gives 0 a meaning.
//   - Iterators run their query when they're ranged over, may be ranged over once, stop when the loop stops, and yield
//     at most one error, as their last pair. A loop's body may call other methods of the store.
//
// Values of storage are opaque unless their comment says otherwise: a backend compares handles, addresses, paths and
// CIDs byte by byte, and neither validates nor normalises them.
package storage
