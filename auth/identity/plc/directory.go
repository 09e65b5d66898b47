package plc

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Journal keeps a directory's operations. A [Directory] calls Entries once, at the start, and never
// two methods at the same time.
type Journal interface {
	// Entries yields all entries in their order.
	Entries() iter.Seq2[Entry, error]

	// Append adds an entry, whose Seq is greater than and whose CreatedAt is later than those of
	// all before. When it returns nil, the entry survives the end of the process and of the
	// machine's power. When it returns an error, either the entry isn't there, or every further
	// call fails.
	Append(ctx context.Context, e Entry) error
}

// DirectoryConfig says how a [Directory] works.
type DirectoryConfig struct {
	// Journal keeps the operations. If zero, they are gone with the directory.
	Journal Journal

	// LimitRate refuses more than 10 operations an hour, 30 a day or 100 a week for a DID, as the public directory
	// does. If zero, there is no limit.
	LimitRate bool

	// Clock dates operations. If zero, time.Now.
	Clock func() time.Time
}

// Directory is a PLC directory: an [http.Handler] with the endpoints, the rules and the messages of the public one. All
// its operations are in memory; a [Journal] makes them last.
//
// It serves development, tests and closed networks. DIDs that it registers aren't known to the world.
type Directory struct {
	journal   Journal
	limitRate bool
	clock     func() time.Time
	handler   http.Handler

	submitting sync.Mutex // held while an operation is checked, journalled and published

	mu      sync.RWMutex // of what follows, which only grows, under submitting too
	records []Entry
	audits  map[syntax.DID][]Entry
}

// NewDirectory returns a directory with all that its journal holds. It checks every record, as if
// it were submitted at the time that it says. Errors: those of the journal; an [*Error] for an
// operation that doesn't follow from the others.
func NewDirectory(c DirectoryConfig) (*Directory, error) {
	d := &Directory{journal: c.Journal, limitRate: c.LimitRate, clock: c.Clock, audits: map[syntax.DID][]Entry{}}
	if d.clock == nil {
		d.clock = time.Now
	}
	d.handler = d.routes()
	if d.journal == nil {
		return d, nil
	}
	for r, err := range d.journal.Entries() {
		if err != nil {
			return nil, err
		}
		if err := d.replay(r); err != nil {
			return nil, fmt.Errorf("plc: journal: record %d: %w", r.Seq, err)
		}
	}
	return d, nil
}

func (d *Directory) replay(r Entry) error {
	if c, err := CID(r.Op); err != nil || !c.Equals(r.CID) {
		return fmt.Errorf("%w: another operation than %s", ErrMalformed, r.CID)
	}
	if n := len(d.records); n > 0 {
		last := d.records[n-1]
		if r.Seq <= last.Seq || !r.CreatedAt.After(last.CreatedAt) {
			return fmt.Errorf("%w: not after record %d", errOrder, last.Seq)
		}
	}
	nullified, err := next(r.DID, d.active(r.DID), r.Op, r.CreatedAt)
	if err != nil {
		return err
	}
	d.publish(r, nullified)
	return nil
}

// Submit checks an operation and adds it to the log of its DID. When it returns nil, the operation
// is in the journal. Errors: an [*Error] that says what is wrong with it, an [ErrMalformed] for
// what no log would take; those of the journal.
func (d *Directory) Submit(ctx context.Context, did syntax.DID, op Op) error {
	if err := checkLimits(op); err != nil {
		return err
	}
	c, err := CID(op)
	if err != nil {
		return err
	}
	d.submitting.Lock()
	defer d.submitting.Unlock()

	now := d.now()
	active := d.active(did)
	nullified, err := next(did, active, op, now)
	if err != nil {
		return err
	}
	if d.limitRate && nullified == 0 { // who recovers an identity must not be kept off by the thief's operations
		if err := checkRate(active, now); err != nil {
			return err
		}
	}
	r := Entry{Seq: d.lastSeq() + 1, DID: did, Op: op, CID: c, CreatedAt: now}
	if d.journal != nil {
		if err := d.journal.Append(ctx, r); err != nil {
			return err
		}
	}
	d.publish(r, nullified)
	return nil
}

// now returns a time that is later than that of every record, even if the clock was set back, so that the times order
// the log as the sequence numbers do. It needs d.submitting.
func (d *Directory) now() time.Time {
	now := d.clock().UTC().Truncate(time.Millisecond)
	if n := len(d.records); n > 0 {
		if next := d.records[n-1].CreatedAt.Add(time.Millisecond); now.Before(next) {
			return next
		}
	}
	return now
}

// lastSeq needs d.submitting.
func (d *Directory) lastSeq() int64 {
	if n := len(d.records); n > 0 {
		return d.records[n-1].Seq
	}
	return 0
}

// publish makes a record visible that is in the journal. It needs d.submitting.
func (d *Directory) publish(r Entry, nullified int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	audit := slices.Clone(d.audits[r.DID]) // readers may hold the old one
	for i := len(audit) - 1; i >= 0 && nullified > 0; i-- {
		if !audit[i].Nullified {
			audit[i].Nullified = true
			nullified--
		}
	}
	d.audits[r.DID] = append(audit, r)
	d.records = append(d.records, r)
}

// AuditLog returns all operations of a DID, oldest first, nullified ones included. The caller doesn't change it. Error:
// [ErrNotFound].
func (d *Directory) AuditLog(did syntax.DID) ([]Entry, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	audit, ok := d.audits[did]
	if !ok {
		return nil, notRegistered(did)
	}
	return audit, nil
}

// Data returns the state of a DID. Error: [ErrNotFound] if it isn't registered, or tombstoned.
func (d *Directory) Data(did syntax.DID) (Data, error) {
	active := d.active(did)
	if len(active) == 0 {
		return Data{}, notRegistered(did)
	}
	state, ok := active[len(active)-1].Op.Result()
	if !ok {
		return Data{}, &Error{Status: http.StatusNotFound, Message: "DID not available: " + did.String(),
			reason: ErrTombstoned}
	}
	return Data{DID: did, State: state}, nil
}

// active returns the operations of a DID that are in force, none if it isn't registered.
func (d *Directory) active(did syntax.DID) []Entry {
	audit, err := d.AuditLog(did)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(audit), func(e Entry) bool { return e.Nullified })
}

// export returns up to limit records that come after those for which before is true.
func (d *Directory) export(limit int, before func(Entry) bool) []Entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	from, _ := slices.BinarySearchFunc(d.records, struct{}{}, func(r Entry, _ struct{}) int {
		if before(r) {
			return -1
		}
		return 1
	})
	return slices.Clone(d.records[from:min(from+limit, len(d.records))])
}

// nullified says whether a record's operation is undone by now.
func (d *Directory) nullified(r Entry) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	audit := d.audits[r.DID]
	i, ok := slices.BinarySearchFunc(audit, r.CreatedAt, func(e Entry, at time.Time) int {
		return e.CreatedAt.Compare(at)
	})
	return ok && audit[i].Nullified
}

func notRegistered(did syntax.DID) error {
	return &Error{Status: http.StatusNotFound, Message: "DID not registered: " + did.String()}
}

// rates are the limits of the public directory, in the order in which it checks them.
var rates = []struct {
	name string
	span time.Duration
	max  int
}{
	{"week", 7 * 24 * time.Hour, 100},
	{"day", 24 * time.Hour, 30},
	{"hour", time.Hour, 10},
}

func checkRate(active []Entry, now time.Time) error {
	for _, r := range rates {
		n := 0
		for _, e := range active {
			if e.CreatedAt.After(now.Add(-r.span)) {
				n++
			}
		}
		if n >= r.max {
			return invalid(errRateLimited, "To many operations within last %s (max %d)", r.name, r.max)
		}
	}
	return nil
}
