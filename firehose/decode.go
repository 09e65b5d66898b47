package firehose

import (
	"errors"
	"fmt"
	"strings"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	lexutil "github.com/bluesky-social/indigo/lex/util"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// Decode decodes an event of the log. It doesn't look at the records and MST nodes that come with a commit before they
// are asked for, and its cost doesn't grow with them beyond the copying of their bytes.
//
// Error: the body isn't what the event's kind asks for.
func Decode(e storage.Event) (Event, error) {
	out := Event{Seq: e.Seq, DID: e.DID, Time: e.Time}
	err := out.decode(e.Kind, e.Body)
	if err != nil {
		return Event{}, fmt.Errorf("firehose: decode event %d, %q of %s: %w", e.Seq, e.Kind, e.DID, err)
	}
	return out, nil
}

func (e *Event) decode(kind storage.EventKind, body []byte) (err error) {
	switch kind {
	case storage.EventCommit:
		e.Commit, err = decodeCommit(body)
	case storage.EventSync:
		var m comatproto.SyncSubscribeRepos_Sync
		err = data.Unmarshal(body, &m)
		e.Sync = &Sync{Rev: parse(m.Rev, syntax.ParseTID, &err)}
	case storage.EventIdentity:
		var m comatproto.SyncSubscribeRepos_Identity
		err = data.Unmarshal(body, &m)
		e.Identity = &Identity{}
		if m.Handle != nil {
			e.Identity.Handle = parse(*m.Handle, syntax.ParseHandle, &err)
		}
	case storage.EventAccount:
		var m comatproto.SyncSubscribeRepos_Account
		err = data.Unmarshal(body, &m)
		e.Account = &Account{Active: m.Active}
		if m.Status != nil {
			e.Account.Status = storage.AccountStatus(*m.Status)
		}
	default:
		err = errors.New("unknown kind")
	}
	return err
}

func decodeCommit(body []byte) (*Commit, error) {
	var m comatproto.SyncSubscribeRepos_Commit
	if err := data.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	var err error
	c := &Commit{Rev: parse(m.Rev, syntax.ParseTID, &err), Ops: make([]Op, len(m.Ops))}
	if m.Since != nil {
		c.Since = parse(*m.Since, syntax.ParseTID, &err)
	}
	blocks := &blocks{car: m.Blocks, commit: c}
	for i, op := range m.Ops {
		if op == nil {
			return nil, errors.New("an operation is null")
		}
		if err := c.Ops[i].decode(op, blocks); err != nil {
			return nil, err
		}
	}
	return c, err
}

func (o *Op) decode(m *comatproto.SyncSubscribeRepos_RepoOp, blocks *blocks) (err error) {
	collection, rkey, _ := strings.Cut(m.Path, "/")
	o.Collection, o.RecordKey = parse(collection, syntax.ParseNSID, &err), parse(rkey, syntax.ParseRecordKey, &err)
	o.Action, o.CID, o.Prev, o.blocks = Action(m.Action), link(m.Cid), link(m.Prev), blocks
	switch {
	case o.Action != Create && o.Action != Update && o.Action != Delete:
		return fmt.Errorf("unknown action %q", o.Action)
	case o.CID.Defined() == (o.Action == Delete):
		return fmt.Errorf("%s of %s: CID is %q", o.Action, m.Path, o.CID)
	}
	return err
}

// parse parses one of the protocol's strings, and keeps the first error.
func parse[T any](s string, parse func(string) (T, error), err *error) T {
	t, e := parse(s)
	if *err == nil {
		*err = e
	}
	return t
}

func link(l *lexutil.LexLink) cid.Cid {
	if l == nil {
		return cid.Undef
	}
	return cid.Cid(*l)
}
