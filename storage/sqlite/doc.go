// Package sqlite keeps a whole [storage.Store] in one SQLite file. It is pure Go, and it is what a PDS on one machine
// needs: no server to run, and a write that has been acknowledged survives the loss of power.
//
//	store, err := sqlite.Open(ctx, "pds.sqlite", sqlite.Options{Create: true})
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//
// # Writes
//
// One goroutine owns the only connection that writes. It takes all writes that wait, from whichever repos, applies them
// in one transaction, and flushes the disk once for all of them. It never waits for more to come: a group is what
// arrived during the flush before, so a lone write pays for no one else, and under load the flushes are shared.
//
// A write checks its preconditions before it changes anything, so one that loses a compare-and-swap costs the others of
// its group nothing. If one fails half way, for want of disk space say, the group is rolled back and goes on without it.
//
// # Reads
//
// Reads have connections of their own, and wait neither for the writer nor, in the end, for each other: single reads
// take turns on a few connections, while every iteration and every snapshot has one to itself for as long as it lasts.
// One that lasts for long keeps the write-ahead log from being emptied; it grows by what is written meanwhile. Where there
// are always some that don't last for long, the writer waits for them now and then, for half a second at most.
//
// # Contents
//
// MST nodes, records, subjects, collections and references to blobs belong to a numbered content, and a repo's row says which
// content is the repo's. Replace stages a new content in many small transactions beside the old one and then changes
// that number. Contents that nothing points to are garbage: what was replaced, what was deleted, and what a process that
// died had been staging. [Store.Maintain] removes them bit by bit.
//
// # The file
//
// The database is a file, PATH, with PATH-wal and PATH-shm beside it while it is open, and PATH-lock, which keeps a
// second process from opening it. If PATH is a symbolic link, they are beside what it leads to. All can be read by their
// owner only. The sqlite3 program can read the database while it is open; to back it up use its .backup command, not cp. A
// database written by an older version of this package is migrated by Open; one written by a newer version is refused.
package sqlite
