package bolt

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/pdskit/pdskit/storage"
)

// Store keeps everything in one file.
type Store struct {
	db      *bbolt.DB
	written bell // rung by every write with events

	mu      sync.Mutex
	staging map[generation]bool // what a Replace is putting together
}

var (
	_ storage.Store      = (*Store)(nil)
	_ storage.Maintainer = (*Store)(nil)
	_ storage.Sizer      = (*Store)(nil)
)

// The buckets, with the parts of their keys and, where there is one, the value.
var (
	accounts          = []byte("accounts")          // DID → row; its sequence gives IDs
	accountIDs        = []byte("accountIDs")        // ID → DID
	handles           = []byte("handles")           // handle → DID
	emails            = []byte("emails")            // address → DID
	due               = []byte("due")               // DeleteAfter, ID → DID
	repos             = []byte("repos")             // DID → row; its sequence gives generations
	nodes             = []byte("nodes")             // generation, CID → row
	records           = []byte("records")           // generation, path → row
	recordCIDs        = []byte("recordCIDs")        // generation, CID, rev, path
	refs              = []byte("refs")              // generation, blob, path → rev
	subjects          = []byte("subjects")          // generation, hash of the subject, path
	members           = []byte("members")           // collection, DID
	garbage           = []byte("garbage")           // generation
	events            = []byte("events")            // number → row; its sequence gives numbers
	eventsByDID       = []byte("eventsByDID")       // DID, number
	documents         = []byte("documents")         // kind, ID → row
	documentsByOwner  = []byte("documentsByOwner")  // owner, kind, ID
	documentsByExpiry = []byte("documentsByExpiry") // ExpiresAt, kind, ID
	blobs             = []byte("blobs")             // DID, CID → row
	idleBlobs         = []byte("idleBlobs")         // urgency, CreatedAt, DID, CID
	recordTakedowns   = []byte("recordTakedowns")   // DID, path → reference
	blobTakedowns     = []byte("blobTakedowns")     // DID, CID → reference
)

var buckets = [][]byte{
	accounts, accountIDs, handles, emails, due, repos, nodes, records, recordCIDs, refs, subjects, members, garbage,
	events, eventsByDID, documents, documentsByOwner, documentsByExpiry, blobs, idleBlobs, recordTakedowns, blobTakedowns,
}

// mapped is how much address space a file gets at once. A writer that needs more has to wait for all readers.
const mapped = 1 << 36

// Open opens a file, and makes it if it isn't there. Whoever has it open already, the call waits for, up to ten seconds.
func Open(path string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: 10 * time.Second, InitialMmapSize: mapped, FreelistType: bbolt.FreelistMapType,
	})
	if err != nil {
		return nil, fmt.Errorf("bolt: open %s: %w", path, err)
	}
	db.MaxBatchDelay = time.Millisecond
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("bolt: open %s: %w", path, err)
	}
	return &Store{db: db, staging: map[generation]bool{}}, nil
}

// Close waits for what is under way, and closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Size implements [storage.Sizer]: the file without its free pages.
func (s *Store) Size(ctx context.Context) (int64, error) {
	return view(ctx, s, func(t tx) (int64, error) { return t.Size() - int64(s.db.Stats().FreeAlloc), nil })
}
