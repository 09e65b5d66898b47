package firehose

import (
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// Event is an event of the log, decoded. Exactly one of its four pointers isn't nil.
//
// Spec: https://atproto.com/specs/sync
type Event struct {
	Seq  int64
	DID  syntax.DID
	Time time.Time

	Commit   *Commit
	Sync     *Sync
	Identity *Identity
	Account  *Account
}

// Commit tells of one change of a repo.
type Commit struct {
	Rev   syntax.TID // that the repo has since, greater than all it had before
	Since syntax.TID // that it had before; "" if this is its first commit

	// Ops are the operations, no record twice. There are none in a commit that just signs anew.
	Ops []Op
}

// Action is what an operation does.
type Action string

const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// Op is an operation on one record. What the record is now, [Op.Value], [Op.Decode] and [Op.Record] tell.
type Op struct {
	Action     Action
	Collection syntax.NSID
	RecordKey  syntax.RecordKey
	CID        cid.Cid // of the record, undefined after a Delete
	Prev       cid.Cid // of the record before, undefined before a Create

	blocks *blocks // of the event
}

// Sync tells that a repo has become what it is now otherwise than by the commits in the log: it was imported, or its
// account has been inactive. Who keeps something that is made of its records reads it anew.
type Sync struct {
	Rev syntax.TID // of the repo's newest commit at that moment
}

// Identity tells that an account's handle or DID document may have changed.
type Identity struct {
	Handle syntax.Handle // "" if there is none that resolves
}

// Account tells of an account's status. While it isn't active its content is not to be shown; when it is deleted, what
// was kept of it is to be removed.
type Account struct {
	Active bool
	Status storage.AccountStatus // StatusActive if Active; otherwise the reason, such as StatusDeleted
}

// StatusDeleted is the status in the last event of an account.
const StatusDeleted storage.AccountStatus = "deleted"
