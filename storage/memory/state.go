package memory

import (
	"cmp"
	"strings"

	"github.com/pdskit/pdskit/storage"
	"github.com/tidwall/btree"
)

// state is all that a store holds at one moment. Once published, a state and everything in it never changes: rows are
// replaced, not altered. Two tables with the same row type are one table in two orders.
type state struct {
	lastID  int64
	lastSeq int64 // given or skipped

	accounts         *btree.BTreeG[*storage.Account] // by ID
	accountsByDID    *btree.BTreeG[*storage.Account]
	accountsByHandle *btree.BTreeG[*storage.Account] // those that have one
	accountsByEmail  *btree.BTreeG[*storage.Account] // those that have one
	accountsByEnd    *btree.BTreeG[*storage.Account] // the deactivated ones that have a DeleteAfter, by that and ID

	repos   *btree.BTreeG[*repo]
	members *btree.BTreeG[member]

	events      *btree.BTreeG[*storage.Event] // by their numbers
	eventsByDID *btree.BTreeG[*storage.Event]
	more        chan struct{} // is closed when a state with later events was published

	documents         *btree.BTreeG[*storage.Document] // by kind and ID
	documentsByOwner  *btree.BTreeG[*storage.Document]
	documentsByExpiry *btree.BTreeG[*storage.Document] // those that expire

	blobs          *btree.BTreeG[*blob]
	idleBlobs      *btree.BTreeG[*blob] // those that may be deleted at some time, the most urgent first
	takenDownBlobs *btree.BTreeG[*blob]
}

func newState() *state {
	return &state{
		accounts:         table(func(a, b *storage.Account) int { return cmp.Compare(a.ID, b.ID) }),
		accountsByDID:    table(func(a, b *storage.Account) int { return strings.Compare(string(a.DID), string(b.DID)) }),
		accountsByHandle: table(func(a, b *storage.Account) int { return strings.Compare(string(a.Handle), string(b.Handle)) }),
		accountsByEmail:  table(func(a, b *storage.Account) int { return strings.Compare(a.Email, b.Email) }),
		accountsByEnd: table(func(a, b *storage.Account) int {
			return cmp.Or(a.DeleteAfter.Compare(b.DeleteAfter), cmp.Compare(a.ID, b.ID))
		}),

		repos:   table(func(a, b *repo) int { return strings.Compare(string(a.head.DID), string(b.head.DID)) }),
		members: table(compareMembers),

		events: table(func(a, b *storage.Event) int { return cmp.Compare(a.Seq, b.Seq) }),
		eventsByDID: table(func(a, b *storage.Event) int {
			return cmp.Or(strings.Compare(string(a.DID), string(b.DID)), cmp.Compare(a.Seq, b.Seq))
		}),
		more: make(chan struct{}),

		documents: table(compareDocuments),
		documentsByOwner: table(func(a, b *storage.Document) int {
			return cmp.Or(strings.Compare(string(a.Owner), string(b.Owner)), compareDocuments(a, b))
		}),
		documentsByExpiry: table(func(a, b *storage.Document) int {
			return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt), compareDocuments(a, b))
		}),

		blobs:     table(compareBlobs),
		idleBlobs: table(compareIdle),

		takenDownBlobs: table(compareBlobs),
	}
}

// clone returns a copy of s. Whoever calls it has the store's mutex, since a table notes that it has been copied.
func (s *state) clone() *state {
	c := *s
	c.accounts = s.accounts.Copy()
	c.accountsByDID = s.accountsByDID.Copy()
	c.accountsByHandle = s.accountsByHandle.Copy()
	c.accountsByEmail = s.accountsByEmail.Copy()
	c.accountsByEnd = s.accountsByEnd.Copy()
	c.repos = s.repos.Copy()
	c.members = s.members.Copy()
	c.events = s.events.Copy()
	c.eventsByDID = s.eventsByDID.Copy()
	c.documents = s.documents.Copy()
	c.documentsByOwner = s.documentsByOwner.Copy()
	c.documentsByExpiry = s.documentsByExpiry.Copy()
	c.blobs = s.blobs.Copy()
	c.idleBlobs = s.idleBlobs.Copy()
	c.takenDownBlobs = s.takenDownBlobs.Copy()
	return &c
}

// table returns an empty table in the order of compare. It needs no lock: see [state].
func table[T any](compare func(a, b T) int) *btree.BTreeG[T] {
	less := func(a, b T) bool { return compare(a, b) < 0 }
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}
