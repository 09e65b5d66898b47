package plc

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
)

// recoveryWindow is how long an operation can be undone by one that a rotation key of higher
// authority signed.
const recoveryWindow = 72 * time.Hour

// Entry is an operation in a directory's log, as the directory took it. Its JSON form is that of
// the audit log.
type Entry struct {
	Seq       int64 // in the log of the whole directory, from 1 on; the JSON form leaves it out
	DID       syntax.DID
	Op        Op
	CID       cid.Cid
	Nullified bool      // undone by a later operation
	CreatedAt time.Time // when the directory took it; kept to the millisecond
}

// next says what an operation that arrives at a time does to a log, which has no nullified entries:
// it returns how many of the log's last entries it nullifies. It doesn't check limits; see
// checkLimits.
//
// Errors, each an [*Error]: errGenesis; errSignature; errOrder; errLateRecovery.
func next(did syntax.DID, log []Entry, op Op, at time.Time) (nullified int, err error) {
	if len(log) == 0 {
		return 0, checkGenesis(did, op)
	}
	prev, err := cid.Decode(op.Previous())
	if err != nil {
		return 0, misordered()
	}
	last := len(log) - 1
	for last >= 0 && !log[last].CID.Equals(prev) {
		last--
	}
	if last < 0 {
		return 0, misordered()
	}
	before, ok := log[last].Op.Result()
	if !ok {
		return 0, misordered()
	}
	undone := log[last+1:]
	if len(undone) == 0 {
		_, err := verifySignature(op, before.RotationKeys)
		return 0, err
	}
	return len(undone), checkRecovery(before.RotationKeys, undone, op, at)
}

func checkGenesis(did syntax.DID, op Op) error {
	state, ok := op.Result()
	if !ok {
		return misordered()
	}
	if _, err := verifySignature(op, state.RotationKeys); err != nil {
		return err
	}
	want, err := GenesisDID(op)
	if err != nil {
		return err
	}
	if did != want {
		return invalid(errGenesis, "Hash of genesis operation does not match DID identifier: %s", want)
	}
	if op.Previous() != "" {
		return invalid(errOrder, "Improperly formatted operation, expected null prev on create")
	}
	return nil
}

// checkRecovery checks an operation that replaces others: its key outranks that of the first of them, which is still
// young enough.
func checkRecovery(keys []string, undone []Entry, op Op, at time.Time) error {
	disputed, err := verifySignature(undone[0].Op, keys)
	if err != nil {
		return err
	}
	if _, err := verifySignature(op, keys[:disputed]); err != nil {
		return err
	}
	if !at.After(undone[len(undone)-1].CreatedAt) {
		return misordered()
	}
	if age := at.Sub(undone[0].CreatedAt); age > recoveryWindow {
		return invalid(errLateRecovery, "Recovery operation occurred outside of the allowed 72 hr recovery window. "+
			"Time lapsed: %d", age.Milliseconds())
	}
	return nil
}

func misordered() error { return invalid(errOrder, "Operations not correctly ordered") }

// timeFormat is that of JavaScript's toISOString.
const timeFormat = "2006-01-02T15:04:05.000Z"

// wireEntry is an Entry in JSON. The audit log has nullified, the sequenced export has type and seq instead.
type wireEntry struct {
	Type      string          `json:"type,omitempty"`
	DID       syntax.DID      `json:"did"`
	Operation json.RawMessage `json:"operation"`
	CID       string          `json:"cid"`
	Nullified *bool           `json:"nullified,omitempty"`
	CreatedAt string          `json:"createdAt"`
	Seq       int64           `json:"seq,omitempty"`
}

// MarshalJSON returns the entry as it stands in an audit log.
func (e Entry) MarshalJSON() ([]byte, error) {
	w, err := e.wire()
	if err != nil {
		return nil, err
	}
	w.Nullified = &e.Nullified
	return json.Marshal(w)
}

func (e Entry) wire() (wireEntry, error) {
	op, err := json.Marshal(e.Op)
	return wireEntry{DID: e.DID, Operation: op, CID: e.CID.String(), CreatedAt: e.CreatedAt.UTC().Format(timeFormat)}, err
}

// UnmarshalJSON reads an entry of an audit log or of an export.
func (e *Entry) UnmarshalJSON(raw []byte) error {
	var w wireEntry
	if err := json.Unmarshal(raw, &w); err != nil {
		return fmt.Errorf("plc: log entry: %w", err)
	}
	return e.read(w)
}

func (e *Entry) read(w wireEntry) (err error) {
	e.DID = w.DID
	e.Nullified = w.Nullified != nil && *w.Nullified
	if e.Op, err = ParseOp(w.Operation); err != nil {
		return err
	}
	if e.CID, err = cid.Decode(w.CID); err != nil {
		return fmt.Errorf("plc: log entry: %w", err)
	}
	if e.CreatedAt, err = time.Parse(time.RFC3339, w.CreatedAt); err != nil {
		return fmt.Errorf("plc: log entry: %w", err)
	}
	return nil
}
