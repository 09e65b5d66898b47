package webhook

import (
	"encoding/json"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
)

// Message is the body of a request, for receivers to decode it into. It has one event or more.
type Message struct {
	Events []Event `json:"events"`
}

// Type is what an event tells of.
type Type string

const (
	// TypeCommit is a change of a repo: Rev, Since and Ops.
	TypeCommit Type = "commit"

	// TypeSync says that a repo has become what it is otherwise than by commits, as by an import: Rev. Who keeps its
	// records reads it anew.
	TypeSync Type = "sync"

	// TypeIdentity says that an account's handle or DID document may have changed: Handle.
	TypeIdentity Type = "identity"

	// TypeAccount is an account's status: Active and Status.
	TypeAccount Type = "account"

	// TypeGap says that events are missing, because they were removed from the log before the endpoint accepted them: those
	// after After and up to Seq. Or else the log was replaced by an older one, as from a backup: then Seq is less than After,
	// numbers have been given again, and the next event is that after Seq. What was made of the events is to be made anew,
	// from the repos. It belongs to no account. It can come without need, but is never left out.
	TypeGap Type = "gap"
)

// Event is an event of the log. See package firehose for what its parts mean.
type Event struct {
	Seq  int64      `json:"seq"`           // greater than that of the event before, but for TypeGap
	DID  syntax.DID `json:"did,omitempty"` // the account's
	Time time.Time  `json:"time"`
	Type Type       `json:"type"`

	Rev   syntax.TID `json:"rev,omitempty"`
	Since syntax.TID `json:"since,omitempty"` // absent from the first commit
	Ops   []Op       `json:"ops,omitempty"`   // those for the endpoint

	Handle syntax.Handle `json:"handle,omitempty"` // absent if there is none that resolves

	Active bool                  `json:"active,omitempty"` // absent if not
	Status storage.AccountStatus `json:"status,omitempty"` // absent if Active; otherwise the reason, such as "deleted"

	After int64 `json:"after,omitempty"`
}

// Op is an operation on one record.
type Op struct {
	Action     firehose.Action  `json:"action"` // "create", "update" or "delete"
	Collection syntax.NSID      `json:"collection"`
	RecordKey  syntax.RecordKey `json:"rkey"`
	CID        string           `json:"cid,omitempty"`    // of the record, absent after a delete
	Prev       string           `json:"prev,omitempty"`   // of the record before, absent before a create
	Record     json.RawMessage  `json:"record,omitempty"` // as JSON of the data model; absent where CID is, and if it can't be read
}
