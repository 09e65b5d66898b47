package webhook

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/firehose"
)

// filter says which events are for an endpoint.
type filter struct {
	types       []Type
	collections []string
}

// event returns the part of an event of the log that is for the endpoint.
func (f filter) event(e firehose.Event) (_ Event, ok bool) {
	out := Event{Seq: e.Seq, DID: e.DID, Time: e.Time.UTC()}
	switch {
	case e.Commit != nil:
		out.Type, out.Rev, out.Since = TypeCommit, e.Commit.Rev, e.Commit.Since
	case e.Sync != nil:
		out.Type, out.Rev = TypeSync, e.Sync.Rev
	case e.Identity != nil:
		out.Type, out.Handle = TypeIdentity, e.Identity.Handle
	case e.Account != nil:
		out.Type, out.Active = TypeAccount, e.Account.Active
		if !out.Active {
			out.Status = e.Account.Status
		}
	}
	if len(f.types) > 0 && !slices.Contains(f.types, out.Type) {
		return Event{}, false
	}
	if e.Commit != nil {
		out.Ops = f.ops(e.Commit.Ops)
		if len(out.Ops) == 0 && len(f.collections) > 0 {
			return Event{}, false
		}
	}
	return out, true
}

func (f filter) ops(ops []firehose.Op) (out []Op) {
	for i := range ops {
		if o := &ops[i]; f.collection(o.Collection) {
			out = append(out, Op{
				Action: o.Action, Collection: o.Collection, RecordKey: o.RecordKey,
				CID: text(o.CID), Prev: text(o.Prev), Record: record(o),
			})
		}
	}
	return out
}

func (f filter) collection(c syntax.NSID) bool {
	return len(f.collections) == 0 || slices.ContainsFunc(f.collections, func(pattern string) bool {
		prefix, wild := strings.CutSuffix(pattern, "*")
		return c.String() == pattern || wild && strings.HasPrefix(c.String(), prefix)
	})
}

// record returns nil if there is no record, or if the log's isn't one: a record that nobody can read mustn't hold up all
// that comes after it.
func record(o *firehose.Op) json.RawMessage {
	value, err := o.Value()
	if err != nil {
		return nil
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return raw
}

func text(c cid.Cid) string {
	if !c.Defined() {
		return ""
	}
	return c.String()
}
